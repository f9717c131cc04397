// What a gateway may answer to `sessions --watch`.
import type { SessionView, StatusView } from '../../../src/admin/gateway-view.ts';
import { look, type Look } from '../../../src/cli/watch/look.ts';
import { FakeGateway } from '../../admin/fake-gateway.ts';

export function session(id: string, changes: Partial<SessionView> = {}): SessionView {
  const gateway = new FakeGateway();
  gateway.add(id, changes);
  return gateway.rows.get(id)!;
}

export function status(refusals: Readonly<Record<string, number>> = {}): StatusView {
  const usual = new FakeGateway().status();
  return { ...usual, counters: { ...usual.counters, refusals } };
}

export function firstLook(...sessions: readonly SessionView[]): Look {
  return look({ at: 0, status: status(), sessions }, undefined);
}
