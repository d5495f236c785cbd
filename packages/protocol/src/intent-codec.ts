import type { Digest, Intent } from "@sluice/core";
import { intentBodySchema } from "@sluice/core/intent/intent-schema";
import { Problem } from "@sluice/core/problems/problem";
import { canonicalJson } from "@sluice/core/units/canonical-json";
import type { IntentOrder } from "./generated/sluice/agent/v1/agent.ts";

/** An intent as the coordinator sends it: the document's bytes are exactly what the digest was taken over. */
export function encodeIntent(intent: Intent): IntentOrder {
  const { host, generation, fence, digest, body } = intent;
  return { host, generation, fence, digest, document: Buffer.from(canonicalJson(body)) };
}

/** Reads an intent; throws `message-invalid` when digest and bytes disagree or the shape is not this version's. Nothing is obeyed half. */
export function decodeIntent(order: IntentOrder, digest: Digest): Intent {
  const text = order.document.toString("utf8");
  const seen = digest(text);
  if (seen !== order.digest) {
    throw new Problem(
      "message-invalid",
      `cannot read intent ${order.generation}: its bytes have digest ${seen}, it says ${order.digest}`,
    );
  }
  const body = intentBodySchema.safeParse(parseJson(text, order.generation));
  if (!body.success) {
    const [issue] = body.error.issues;
    throw new Problem(
      "message-invalid",
      `cannot read intent ${order.generation}: ${issue?.path.join(".") || "document"}: ${issue?.message}`,
      {
        hint: "bring agent and coordinator to the same version",
      },
    );
  }
  const { host, generation, fence } = order;
  return { host, generation, fence, digest: order.digest, body: body.data };
}

function parseJson(text: string, generation: number): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Problem("message-invalid", `cannot read intent ${generation}: the document is not JSON`, { cause });
  }
}
