import { mutationsOf } from "../mutation.ts";

/** Faults in the decisions about changes of keepers, and about the certificates that a host presents. */
export const keeperMutations = [
  ...mutationsOf("programs/plan-program-change.ts", [
    {
      name: "hands over to a keeper once more after that was killed",
      find: "if (isAnother(input.running, state.by)) return end(input, gone(input));",
      put: "",
      notSimulated:
        "its agent has to be killed between the handover and the next look, and its host to restart: one in two thousand histories of nothing but keepers that change and agents that are killed",
    },
    {
      name: "leaves a keeper that came after its grant had ended",
      find: 'if (change.phase !== "ended" || keeper?.trial !== change.grant.id) return undefined;',
      put: "return undefined;",
      notSimulated:
        "its agent has to be killed in a handover that takes long, and its grant be taken back before that is over: one in a thousand histories of nothing but keepers that change, agents that are killed and rollouts that are aborted",
    },
    {
      name: "keeps a keeper that has lost something",
      find: "if (facts.lost !== undefined && facts.lost.length > 0) {",
      put: "if (facts.lost !== undefined && facts.lost.length > 9) {",
    },
    {
      name: "does not compare what a keeper holds",
      find: "if (state.kept !== undefined && facts.lost === undefined) {",
      put: "if (state.kept === undefined && facts.lost !== undefined) {",
    },
    {
      name: "does not mind what a keeper on trial says that it is",
      find: "if (running.digest !== digest || running.version !== version) {",
      put: "if (running.digest !== digest && running.version === digest) {",
    },
    {
      name: "takes the change of a keeper for ended before that has handed back",
      find: "if (isKeepersTrial && (running === undefined || runsTrial(input))) {",
      put: "if (isKeepersTrial && now < 0) {",
    },
    {
      name: "never puts down a keeper that does not hand back",
      find: "const isLate = now >= state.deadline || running === undefined;",
      put: "const isLate = now < 0;",
    },
  ]),
  ...mutationsOf("programs/plan-keeper-file.ts", [
    {
      name: "starts the keeper that a newer agent has brought",
      find: "const isHeld = (proven !== undefined && proven.files === undefined) || !isAgentInstalled;",
      put: "const isHeld = isAgentInstalled && proven === undefined;",
    },
    {
      name: "forgets which keeper is proven where the agent has no memory of it",
      find: "input.proven === undefined ? file.proven : programToStart(input.proven)",
      put: "input.proven === undefined ? undefined : programToStart(input.proven)",
    },
  ]),
  ...mutationsOf("activation/create-activation.ts", [
    {
      name: "reverts to a release with the certificate that lies on disk",
      find: 'grant.kind === "revert" && before[unit]?.release === wanted.digest ? before[unit] : undefined;',
      put: "undefined;",
    },
    {
      name: "takes a proxy for unchanged whose certificate differs",
      find: "now?.digest === wanted.digest && sameCertificates(now.certificates, startWith?.certificates);",
      put: "now?.digest === wanted.digest;",
    },
    {
      name: "does not note which certificates there were before",
      find: "...(from === undefined || now?.certificates === undefined ? {} : { fromCertificates: now.certificates }),",
      put: "",
    },
  ]),
  ...mutationsOf("activation/plan-ending.ts", [
    {
      name: "goes back to the certificate that lies on disk",
      find: "const certificates = fromCertificates === undefined ? {} : { certificates: fromCertificates };",
      put: "const certificates = {};",
    },
  ]),
  ...mutationsOf("proxying/certificate.ts", [
    {
      name: "takes any two certificates for the same",
      find: "return [...names].every((name) => a[name]?.digest === b[name]?.digest);",
      put: "return [...names].every((name) => a[name] !== undefined && b[name] !== undefined);",
    },
  ]),
];
