import type { UpkeepInput } from "@sluice/agent/reconcile/plan-upkeep";
import type { ActivationInput, ActivationPart } from "@sluice/core";
import type { BrokenSubject } from "./broken-subjects.ts";
import { type Subject, subject } from "./subject.ts";

type ProxyPart = Exclude<ActivationPart, { kind: "site" }>;

/** What is known of certificates in the parts of an activation falls out differently. */
const withParts = (broken: (part: ProxyPart) => ActivationPart): Subject => ({
  ...subject,
  planActivation: (input: ActivationInput) => {
    const parts = input.state.parts.map((part) => (part.kind === "site" ? part : broken(part)));
    return subject.planActivation({ ...input, state: { ...input.state, parts } });
  },
});

const withUpkeep = (broken: (input: UpkeepInput) => UpkeepInput): Subject => ({
  ...subject,
  planSiteUpkeep: (input, site) => subject.planSiteUpkeep(broken(input), site),
  planFrontUpkeep: (input) => subject.planFrontUpkeep(broken(input)),
});

/** Certificates that are taken from where they lie, on purpose, one decision at a time. */
export const brokenCertificates: readonly BrokenSubject[] = [
  {
    name: "starts what is proven with the certificate that lies on disk",
    caughtAs: /^2:/,
    subject: withUpkeep((input) => ({ ...input, certificates: {} })),
  },
  {
    name: "goes back to the certificate that lies on disk",
    caughtAs: /^(2|9):/,
    subject: withParts(({ fromCertificates: _, ...part }) => part),
  },
  {
    name: "reverts to a release with the certificate that lies on disk",
    caughtAs: /^certificates:/,
    subject: withParts(({ startWith: _, ...part }) => part),
  },
  {
    name: "forgets what is proven to be presented",
    caughtAs: /^(2|9|certificates):/,
    subject: {
      ...subject,
      settleLedger: (ledger, input) => {
        const { certificates: _, ...settled } = subject.settleLedger(ledger, input);
        return settled;
      },
    },
  },
];
