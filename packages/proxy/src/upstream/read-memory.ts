/** What the kernel gives at once. Of memory that was never read into, nothing is resident. */
const readBytes = 64 * 1024;

/** Where one connection is read to: the same memory again and again, unless what lies there is still in use. */
export class ReadMemory {
  /** What was read last is still to be written somewhere; the next read goes elsewhere. */
  lent = false;
  #buffer = Buffer.allocUnsafeSlow(readBytes);

  next(): Buffer {
    if (this.lent) this.#buffer = Buffer.allocUnsafeSlow(readBytes);
    this.lent = false;
    return this.#buffer;
  }

  /** The first bytes of what was read last. */
  first(bytes: number): Buffer {
    return this.#buffer.subarray(0, bytes);
  }
}
