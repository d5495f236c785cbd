/**
 * Root of `f` between `low` and `high`, at which its signs differ: Brent's method (Algorithms for Minimization without
 * Derivatives, 1973, chapter 4), which ends within `tolerance`.
 */
export function brentRoot(f: (x: number) => number, low: number, high: number, tolerance: number): number {
  let [a, b] = [low, high];
  let [fa, fb] = [f(a), f(b)];
  let [c, fc] = [a, fa];
  let step = b - a;
  let stepBefore = step;
  for (let round = 0; round < 1000; round++) {
    if (Math.abs(fc) < Math.abs(fb)) {
      [a, b, c] = [b, c, b];
      [fa, fb, fc] = [fb, fc, fb];
    }
    const enough = 2 * Number.EPSILON * Math.abs(b) + tolerance / 2;
    const half = (c - b) / 2;
    if (Math.abs(half) <= enough || fb === 0) return b;
    const guess =
      Math.abs(stepBefore) >= enough && Math.abs(fa) > Math.abs(fb) ? interpolate(a, b, c, fa, fb, fc) : undefined;
    if (
      guess !== undefined &&
      2 * Math.abs(guess) < Math.min(3 * Math.abs(half) - enough, Math.abs(stepBefore)) &&
      guess * half > 0
    ) {
      [stepBefore, step] = [step, guess];
    } else {
      [stepBefore, step] = [half, half];
    }
    [a, fa] = [b, fb];
    b += Math.abs(step) > enough ? step : Math.sign(half) * enough;
    fb = f(b);
    if (fb > 0 === fc > 0) {
      [c, fc] = [a, fa];
      step = b - a;
      stepBefore = step;
    }
  }
  return b;
}

/** Inverse quadratic interpolation, or a secant where two of the points are one: the step from `b`. */
function interpolate(a: number, b: number, c: number, fa: number, fb: number, fc: number): number {
  const s = fb / fa;
  if (a === c) return (-(c - b) * s) / (s - 1);
  const q = fa / fc;
  const r = fb / fc;
  const p = s * ((c - b) * q * (q - r) - (b - a) * (r - 1));
  return -p / ((q - 1) * (r - 1) * (s - 1));
}
