/** The metrics of a gateway to which enough has happened that each of them has something to say. */
import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import { sealAccountingRequest } from '../../src/crypto/radius.ts';
import { RadiusAttribute, RadiusCode, textValue, UNSEALED_MESSAGE_AUTHENTICATOR } from '../../src/wire/radius.ts';
import { freePort } from '../radius-server/freeradius-process.ts';
import { SCRIPTED_SECRET, ScriptedServer } from '../radius-server/scripted-server.ts';
import { TestClient } from '../gateway/clients.ts';
import { GatewayProcess } from '../gateway/gateway-process.ts';
import { RawClient } from '../gateway/raw-client.ts';
import { createSite } from '../gateway/site.ts';

interface Family {
  readonly type: string;
  /** Names; of a histogram without `le`. Empty, too, for a metric that has no samples yet. */
  readonly labels: readonly string[];
  readonly samples: number;
}

/** By name, that of a histogram without its suffixes. */
export type Exposition = ReadonlyMap<string, Family>;

const USER = 'alice';
/** One more than may be logged at once for one reason. */
const FLOOD = 21;
const SETTLE_LIMIT_MS = 10_000;

/** Runs a gateway with RADIUS and IPv6, lets all sorts of things happen to it, and reads its metrics. */
export async function eventfulExposition(): Promise<Exposition> {
  const radius = await ScriptedServer.listen(request => {
    // A forged one first.
    const forged = request.reply(RadiusCode.AccessAccept);
    forged[4]! ^= 1;
    request.send(forged);
    if (request.code === RadiusCode.AccountingRequest) request.send(request.reply(RadiusCode.AccountingResponse));
    else request.send(request.reply(RadiusCode.AccessAccept));
  });
  const daePort = await freePort();
  const secret = Buffer.from(SCRIPTED_SECRET).toString();
  const site = await createSite({
    network: {
      mode: 'echo',
      ipv4: { pool: ['10.66.0.0/16'], gateway: '10.66.0.1' },
      ipv6: { pool: ['2001:db8::/56'] },
    },
    ppp: { auth: ['pap'] },
    aaa: {
      method: 'radius',
      radius: {
        servers: [{ address: '127.0.0.1', authPort: radius.port, acctPort: radius.port, secret }],
        dynamicAuthorization: { listen: `127.0.0.1:${daePort}`, clients: [{ address: '127.0.0.1', secret }] },
      },
    },
  });
  const gateway = await GatewayProcess.start(site);
  try {
    const https = { host: 'localhost', port: gateway.port, ca: site.ca };
    const tunnel = await TestClient.connect(await createClientRuntime(), { https, user: USER, auth: ['pap'] });
    await tunnel.ping();
    await tunnel.client.end();
    const garbled = await RawClient.open(gateway.port);
    garbled.write('ff ff ff ff ff ff');
    for (let count = 0; count < FLOOD; count++) await fetch(`http://127.0.0.1:${gateway.port}/`);
    await sendDynamicAuthorization(daePort);
    return await untilSettled(gateway);
  } finally {
    await gateway.stop();
    await radius.close();
    site.remove();
  }
}

/** A request for a session that there is not, and a datagram that is no request. */
async function sendDynamicAuthorization(port: number): Promise<void> {
  const attributes = [
    UNSEALED_MESSAGE_AUTHENTICATOR,
    { type: RadiusAttribute.UserName, value: textValue('nobody') },
    { type: RadiusAttribute.EventTimestamp, value: secondsSince1970() },
  ];
  const request = sealAccountingRequest(
    { code: RadiusCode.DisconnectRequest, identifier: 1, attributes },
    SCRIPTED_SECRET,
  );
  const socket = createSocket('udp4');
  const answered = new Promise(resolve => socket.once('message', resolve));
  socket.send('nonsense', port, '127.0.0.1');
  socket.send(request, port, '127.0.0.1');
  await answered;
  socket.close();
}

function secondsSince1970(): Uint8Array {
  const value = new Uint8Array(4);
  new DataView(value.buffer).setUint32(0, Math.floor(Date.now() / 1000));
  return value;
}

/** Sessions end, workers measure and accounting is delivered a moment later. */
async function untilSettled(gateway: GatewayProcess): Promise<Exposition> {
  const giveUpAt = performance.now() + SETTLE_LIMIT_MS;
  for (;;) {
    const exposition = parseExposition(await (await fetch(`${gateway.admin}/metrics`)).text());
    const isSettled = [...exposition].every(([name, { samples }]) => samples > 0 || !name.startsWith('sstp_'));
    if (isSettled || performance.now() > giveUpAt) return exposition;
    await sleep(100);
  }
}

function parseExposition(text: string): Exposition {
  const families = new Map<string, { type: string; labels: string[]; samples: number }>();
  for (const line of text.split('\n')) {
    const [, typed, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (typed !== undefined) families.set(typed, { type: type!, labels: [], samples: 0 });
    const [, name, labelled = ''] = /^([a-z]\w*)(?:\{(.*)\})? \S+$/i.exec(line) ?? [];
    if (name === undefined) continue;
    const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|sum|count)$/, ''));
    if (family === undefined) throw new Error(`a sample without a type: ${line}`);
    family.samples++;
    const labels = [...labelled.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)].map(([, label]) => label!);
    if (labels.length > family.labels.length) family.labels = labels.filter(label => label !== 'le').toSorted();
  }
  return families;
}
