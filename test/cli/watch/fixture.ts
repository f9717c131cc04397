// What a gateway may answer to `sessions --watch`.
import type { StatusView } from '../../../src/admin/gateway-view.ts';
import type { ListedSession } from '../../../src/cli/session-columns.ts';
import { look, type Look } from '../../../src/cli/watch/look.ts';
import { FakeGateway } from '../../admin/fake-gateway.ts';

export function session(id: string, changes: Partial<ListedSession> = {}): ListedSession {
  const gateway = new FakeGateway();
  gateway.add(id, changes);
  return gateway.session(id)!;
}

export function status(refusals: Readonly<Record<string, number>> = {}): StatusView {
  const usual = new FakeGateway().status();
  return { ...usual, counters: { ...usual.counters, refusals } };
}

export function firstLook(...sessions: readonly ListedSession[]): Look {
  return look({ at: 0, status: status(), sessions }, undefined);
}
