// The library's client against a scripted server, with a look at what it leaves behind.
import assert from 'node:assert/strict';
import type { ClientRuntime } from '../../../src/client/client-runtime.ts';
import type { SstpClientOptions } from '../../../src/client/sstp-client-options.ts';
import type { TunnelEndReason } from '../../../src/protocol/end-reason.ts';
import { TestClient } from '../../gateway/clients.ts';
import { eventually } from '../../https/fixture.ts';
import { type Persona, ScriptedServer } from './scripted-server.ts';

export interface Meeting {
  readonly persona: Persona;
  readonly transcript: readonly string[];
  readonly options?: Partial<Omit<SstpClientOptions, 'https'>>;
}

/** Plays the transcript; `act` is what the client's owner does once the tunnel is up. Nothing may be left afterwards. */
export async function meet<T>(
  runtime: ClientRuntime,
  { persona, transcript, options = {} }: Meeting,
  act: (tester: TestClient) => Promise<T>,
): Promise<T> {
  const before = resources();
  const server = await ScriptedServer.start(persona, transcript);
  const https = { host: '127.0.0.1', port: server.port, ca: server.ca };
  try {
    return await server.during(TestClient.connect(runtime, { ...options, https }).then(act));
  } finally {
    assert.equal(runtime.blocks.available, runtime.path.transmitBlocks, 'all transmit blocks are back');
    await eventually(() => resources() === before);
  }
}

/** Waits for the end that the server brings about. */
export async function ended(tester: TestClient): Promise<TunnelEndReason> {
  return eventually(() => tester.ended);
}

/** Timers and sockets that keep the event loop going. Others, such as the runner's pipes, come and go by themselves. */
function resources(): string {
  const kinds = ['Timeout', 'TCPSocketWrap', 'TLSWrap', 'TCPServerWrap'];
  return process
    .getActiveResourcesInfo()
    .filter(kind => kinds.includes(kind))
    .toSorted()
    .join(' ');
}
