import { isIPv4, isIPv6 } from "node:net";

/** What a PROXY protocol v2 header says about the connection behind it. */
export interface ProxyHeader {
  readonly source: { readonly address: string; readonly port: number };
  /** Its port names the binding port. */
  readonly destination: { readonly address: string; readonly port: number };
  /** The client speaks TLS to whoever sent this (PP2_TYPE_SSL). */
  readonly tls: boolean;
}

export type ProxyHeaderReading =
  | { readonly kind: "incomplete" }
  | { readonly kind: "invalid"; readonly reason: string }
  | { readonly kind: "header"; readonly header: ProxyHeader; readonly length: number };

const signature = Buffer.from("0d0a0d0a000d0a515549540a", "hex");
const fixedBytes = 16;
/** Room for every address and far more TLVs than anybody sends. */
const restBytesMax = 4096;
const tlvSsl = 0x20;
const clientSsl = 0x01;

/** Reads the header at the beginning of `data` (PROXY protocol, section 2.2). Version 1 and LOCAL are refused: they name no binding. */
export function readProxyHeader(data: Buffer): ProxyHeaderReading {
  const known = Math.min(data.length, signature.length);
  if (!data.subarray(0, known).equals(signature.subarray(0, known))) return invalid("no PROXY protocol v2 signature");
  if (data.length < fixedBytes) return { kind: "incomplete" };
  if (data.readUInt8(12) !== 0x21) return invalid("not version 2 with command PROXY");
  const family = data.readUInt8(13);
  const addressBytes = family === 0x11 ? 4 : family === 0x21 ? 16 : 0;
  if (addressBytes === 0) return invalid("not TCP over IPv4 or IPv6");
  const rest = data.readUInt16BE(14);
  if (rest < addressBytes * 2 + 4 || rest > restBytesMax) return invalid("an impossible length");
  if (data.length < fixedBytes + rest) return { kind: "incomplete" };
  const body = data.subarray(fixedBytes, fixedBytes + rest);
  const tls = readTls(body.subarray(addressBytes * 2 + 4));
  if (tls === undefined) return invalid("a truncated TLV");
  const ports = addressBytes * 2;
  return {
    kind: "header",
    length: fixedBytes + rest,
    header: {
      source: { address: formatAddress(body.subarray(0, addressBytes)), port: body.readUInt16BE(ports) },
      destination: { address: formatAddress(body.subarray(addressBytes, ports)), port: body.readUInt16BE(ports + 2) },
      tls,
    },
  };
}

/** The bytes that announce a client's connection. Addresses of different families are both written as IPv6. */
export function writeProxyHeader(header: ProxyHeader): Buffer {
  const both4 = isIPv4(header.source.address) && isIPv4(header.destination.address);
  const addresses = Buffer.concat([
    both4 ? bytes4(header.source.address) : bytes6(header.source.address),
    both4 ? bytes4(header.destination.address) : bytes6(header.destination.address),
  ]);
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(header.source.port, 0);
  ports.writeUInt16BE(header.destination.port, 2);
  const tlv = header.tls ? Buffer.from([tlvSsl, 0, 5, clientSsl, 0, 0, 0, 0]) : Buffer.alloc(0);
  const fixed = Buffer.alloc(4);
  fixed.writeUInt8(0x21, 0);
  fixed.writeUInt8(both4 ? 0x11 : 0x21, 1);
  fixed.writeUInt16BE(addresses.length + ports.length + tlv.length, 2);
  return Buffer.concat([signature, fixed, addresses, ports, tlv]);
}

const invalid = (reason: string): ProxyHeaderReading => ({ kind: "invalid", reason });

/** Whether some TLV says TLS; undefined when one does not fit. */
function readTls(tlvs: Buffer): boolean | undefined {
  let tls = false;
  for (let at = 0; at < tlvs.length; ) {
    if (at + 3 > tlvs.length) return undefined;
    const length = tlvs.readUInt16BE(at + 1);
    const end = at + 3 + length;
    if (end > tlvs.length) return undefined;
    if (tlvs.readUInt8(at) === tlvSsl && length >= 5) tls = (tlvs.readUInt8(at + 3) & clientSsl) !== 0;
    at = end;
  }
  return tls;
}

function formatAddress(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(bytes.readUInt16BE(at).toString(16));
  const mapped = /^0:0:0:0:0:ffff:/.test(groups.join(":"));
  return mapped ? bytes.subarray(12).join(".") : compressed(groups);
}

/** RFC 5952: the longest run of two or more zero groups becomes `::`. */
function compressed(groups: readonly string[]): string {
  let best = { from: 0, length: 1 };
  for (let from = 0; from < groups.length; from++) {
    let length = 0;
    while (groups[from + length] === "0") length += 1;
    if (length > best.length) best = { from, length };
  }
  if (best.length === 1) return groups.join(":");
  return `${groups.slice(0, best.from).join(":")}::${groups.slice(best.from + best.length).join(":")}`;
}

function bytes4(address: string): Buffer {
  return Buffer.from(address.split(".").map(Number));
}

function bytes6(address: string): Buffer {
  if (isIPv4(address)) return Buffer.concat([Buffer.alloc(10), Buffer.from([0xff, 0xff]), bytes4(address)]);
  if (!isIPv6(address)) return Buffer.alloc(16);
  const [head = "", tail] = (address.split("%")[0] ?? "").split("::");
  const before = groupsOf(head);
  const behind = tail === undefined ? [] : groupsOf(tail);
  const bytes = Buffer.alloc(16);
  for (const [index, group] of before.entries()) bytes.writeUInt16BE(group, index * 2);
  for (const [index, group] of behind.entries()) bytes.writeUInt16BE(group, (8 - behind.length + index) * 2);
  return bytes;
}

function groupsOf(part: string): number[] {
  if (part === "") return [];
  return part.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const four = bytes4(group);
    return [four.readUInt16BE(0), four.readUInt16BE(2)];
  });
}
