// The words that a query for sessions is made of. Apart from the schemas, so that a command need not load these to list its options.

export const SESSION_STATES = ['negotiating', 'authenticating', 'up', 'closing'] as const;

export const SORT_KEYS = [
  'id',
  'user',
  'remoteAddress',
  'worker',
  'state',
  'ipv4',
  'connectedAt',
  'upAt',
  'rxBytes',
  'txBytes',
  'rxPackets',
  'txPackets',
  'drops',
  'rxRate',
  'txRate',
] as const;
export type SortKey = (typeof SORT_KEYS)[number];
