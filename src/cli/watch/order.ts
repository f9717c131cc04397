// The orders that the list on the screen can have.
import type { SessionView } from '../../admin/gateway-view.ts';

export interface Order {
  readonly name: string;
  /** What comes first is less. */
  readonly compare: (a: SessionView, b: SessionView) => number;
}

export const ORDERS: readonly Order[] = [
  { name: 'rate', compare: largestFirst(({ rxRate, txRate }) => (rxRate ?? 0) + (txRate ?? 0)) },
  { name: 'received rate', compare: largestFirst(({ rxRate }) => rxRate ?? 0) },
  { name: 'sent rate', compare: largestFirst(({ txRate }) => txRate ?? 0) },
  { name: 'bytes', compare: largestFirst(({ rxBytes, txBytes }) => rxBytes + txBytes) },
  { name: 'drops', compare: largestFirst(({ drops }) => drops) },
  { name: 'newest', compare: largestFirst(({ connectedAt }) => Date.parse(connectedAt)) },
  { name: 'user', compare: (a, b) => compareText(a.user, b.user) },
];

/** The order in which the gateway lists them: it was asked for another one. */
export function givenOrder(name: string): Order {
  return { name, compare: () => 0 };
}

/** In this order, and where that sees no difference as before. */
export function ordered(
  sessions: readonly SessionView[],
  { compare }: Order,
  isReversed: boolean,
): readonly SessionView[] {
  const sorted = sessions.toSorted(compare);
  return isReversed ? sorted.toReversed() : sorted;
}

function largestFirst(key: (session: SessionView) => number): Order['compare'] {
  return (a, b) => key(b) - key(a);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
