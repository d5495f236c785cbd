import type { Count } from "../stratum-source.ts";

/**
 * Like an AnalysisTemplate of Argo Rollouts: ten measurements a minute apart with `successCondition: result >= 0.95` (no requests
 * are a success, as in its documentation) and `failureLimit: 3`, counted over the whole analysis.
 */
export function argoHaltsAt(minutes: readonly Count[]): number | undefined {
  let failed = 0;
  for (const [index, { requests, bad }] of minutes.slice(0, 10).entries()) {
    if (requests > 0 && 1 - bad / requests < 0.95) failed++;
    if (failed > 3) return (index + 1) * 60;
  }
  return undefined;
}
