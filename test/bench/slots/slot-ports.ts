/** Where the two slots of a site listen on loopback. Each answers with its own name. */
export interface SlotPorts {
  readonly blue: number;
  readonly green: number;
}
