/** What a package owns and whom it may know (docs/architecture.md); the reason is shown to whoever breaks it. */
export interface Layer {
  readonly mayImport: readonly string[];
  readonly reason: string;
}

export const layers: Readonly<Record<string, Layer>> = {
  core: { mayImport: [], reason: "decisions must run unchanged in the simulator, so core knows nothing but itself" },
  protocol: {
    mayImport: ["core"],
    reason: "the wire translates core's words; it neither decides nor opens connections",
  },
  runtime: { mayImport: ["core"], reason: "ports are used by every program, so they can know none of them" },
  proxy: { mayImport: ["core", "runtime"], reason: "traffic needs neither agent nor coordinator (promise 4)" },
  agent: {
    mayImport: ["core", "protocol", "runtime", "proxy"],
    reason: "an agent looks after one host and meets the coordinator only over the wire",
  },
  coordinator: {
    mayImport: ["core", "protocol", "runtime"],
    reason: "the coordinator touches a host only through its agent",
  },
  cli: {
    mayImport: ["core", "protocol", "runtime", "proxy", "agent", "coordinator"],
    reason: "the executable starts every program and holds no state of its own",
  },
  test: {
    mayImport: ["core", "protocol", "runtime", "proxy", "agent", "coordinator", "cli"],
    reason: "tests may know everything and nothing may know them",
  },
};
