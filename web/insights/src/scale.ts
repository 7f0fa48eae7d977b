// From values to pixels: round ticks and bands. Pure.

/** Round steps from 0 to at least `most`: about `wanted` of them. Always ends above 0. */
export function ticks(most: number, wanted: number, whole: 'whole' | 'any' = 'any'): number[] {
  if (!(most > 0)) return [0, 1];
  const rough = most / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5, 10].find((each) => each * power >= rough * 0.999) ?? 10;
  const step = whole === 'whole' ? Math.max(1, Math.ceil(factor * power)) : factor * power;
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/** Which of `count` bands over `width` holds x; inside even at the borders. */
export function bandAt(x: number, width: number, count: number): number {
  return Math.min(count - 1, Math.max(0, Math.floor((x / Math.max(1, width)) * count)));
}

/** Every how many labels one is shown, so that none overlaps the next. */
export function labelStep(count: number, width: number, labelWidth: number): number {
  return Math.max(1, Math.ceil((count * labelWidth) / Math.max(1, width)));
}
