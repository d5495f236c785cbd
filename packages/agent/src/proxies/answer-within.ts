import { Problem } from "@sluice/core/problems/problem";
import { durationMs, formatDuration } from "@sluice/core/units/time";

/** What a proxy answers within `withinMs`; one that hangs is `proxy-unreachable`, and did not say `what`. */
export async function answerWithin<Answer>(answer: Promise<Answer>, withinMs: number, what: string): Promise<Answer> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const words = formatDuration(durationMs(withinMs));
    late.reject(new Problem("proxy-unreachable", `the proxy did not say ${what} within ${words}`));
  }, withinMs);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
