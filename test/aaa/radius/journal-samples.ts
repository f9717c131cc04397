import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { AccountingRequest, JournalSession } from '../../../src/aaa/radius/journal-entry.ts';

export const NO_TRAFFIC = { rxBytes: 0, txBytes: 0, rxPackets: 0, txPackets: 0 };

export function sampleSession(id: string, changes: Partial<JournalSession> = {}): JournalSession {
  const attributes = Uint8Array.of(44, id.length + 2, ...Buffer.from(id));
  return { id, upAt: 1_700_000_000_000, at: 1_700_000_000_000, traffic: NO_TRAFFIC, attributes, ...changes };
}

export function sampleRequest(number: number, id: string, status: number): AccountingRequest {
  return { ...sampleSession(id), number, status, cause: 0 };
}

/** A directory that goes away with the test. */
export function scratchDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'accounting-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
