import { setImmediate as nextTurn } from 'node:timers/promises';

/** Items that are sorted or merged before the event loop has its turn: well under a millisecond. */
const ITEMS_AT_A_TIME = 500;

/** A stable merge sort that never holds the thread for long. The items stay as they are. */
export async function sortInParts<T>(items: readonly T[], compare: (a: T, b: T) => number): Promise<readonly T[]> {
  let runs: (readonly T[])[] = [];
  for (let at = 0; at < items.length; at += ITEMS_AT_A_TIME) {
    runs.push(items.slice(at, at + ITEMS_AT_A_TIME).sort(compare));
    await nextTurn();
  }
  while (runs.length > 1) {
    const merged: (readonly T[])[] = [];
    for (let at = 0; at < runs.length; at += 2) merged.push(await merge(runs[at]!, runs[at + 1] ?? [], compare));
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<T>(left: readonly T[], right: readonly T[], compare: (a: T, b: T) => number): Promise<T[]> {
  const merged: T[] = [];
  let [fromLeft, fromRight] = [0, 0];
  while (fromLeft < left.length || fromRight < right.length) {
    const isLeft =
      fromRight === right.length || (fromLeft < left.length && compare(left[fromLeft]!, right[fromRight]!) <= 0);
    merged.push(isLeft ? left[fromLeft++]! : right[fromRight++]!);
    if (merged.length % ITEMS_AT_A_TIME === 0) await nextTurn();
  }
  return merged;
}
