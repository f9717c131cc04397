// What the charts show: the gateway's history, as far as this page has seen it.
import type { HistoryPoint } from '../admin/schema/history.ts';

export interface HistoryView {
  readonly intervalSeconds: number;
  /** The oldest first. */
  readonly points: readonly HistoryPoint[];
}

/** Longest time that the page keeps. */
const HISTORY_SECONDS = 30 * 60;
/** A longer pause than so many intervals is a gap. */
const GAP_INTERVALS = 2.5;

interface TimedPoint {
  readonly at: string;
}

export class History {
  #points: HistoryPoint[] = [];
  #intervalSeconds = 2;

  /** ISO 8601; what is newer is not known yet. */
  get since(): string | undefined {
    return this.#points.at(-1)?.at;
  }

  get latest(): HistoryPoint | undefined {
    return this.#points.at(-1);
  }

  add({ intervalSeconds, points }: HistoryView): void {
    this.#intervalSeconds = intervalSeconds;
    const { since } = this;
    const fresh = since === undefined ? points : points.filter(({ at }) => Date.parse(at) > Date.parse(since));
    this.#points.push(...fresh);
    const newest = this.latest;
    if (newest === undefined) return;
    const oldest = Date.parse(newest.at) - HISTORY_SECONDS * 1000;
    this.#points = this.#points.filter(({ at }) => Date.parse(at) >= oldest);
  }

  /** @param seconds up to the newest point */
  last(seconds: number): Columns<HistoryPoint> {
    return columns(this.#points, this.#intervalSeconds, seconds);
  }
}

/** Points side by side, as a chart wants them. Where points are missing there is one that is null. */
export interface Columns<T> {
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly points: readonly (T | null)[];
}

export function columns<T extends TimedPoint>(
  all: readonly T[],
  intervalSeconds: number,
  seconds = HISTORY_SECONDS,
): Columns<T> {
  const times: number[] = [];
  const points: (T | null)[] = [];
  const newest = all.at(-1);
  const from = newest === undefined ? 0 : Date.parse(newest.at) / 1000 - seconds;
  for (const point of all) {
    const time = Date.parse(point.at) / 1000;
    if (time < from) continue;
    const before = times.at(-1);
    if (before !== undefined && time - before > intervalSeconds * GAP_INTERVALS) {
      times.push(before + intervalSeconds);
      points.push(null);
    }
    times.push(time);
    points.push(point);
  }
  return { times, points };
}
