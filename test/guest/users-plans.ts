// What is tried with gateways that know their users from a file: every method without EAP, both hashes, refusals and hard ends.
import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from './commands.ts';
import {
  GATEWAY_INSIDE,
  GATEWAY_NAME,
  GATEWAY_OUTSIDE,
  ping,
  routeToServer,
  SERVER_ADDRESS,
  transfer,
  tunnelRoutes,
} from './guest-network.ts';
import { intercept } from './interceptor.ts';
import { CLEANUP_LIMIT_MS, plan, sessionUp } from './plan.ts';
import type { Facts, Line, LineContext, Plan, Surroundings } from './plan.ts';
import { PPP_DEVICE, SstpcCall } from './sstpc-call.ts';
import type { AuthMethod, CallOptions, TlsVersion } from './sstpc-call.ts';

const USER = { name: 'alice', password: 'correct horse 7' };
const WRONG_PASSWORD = 'battery staple 8';

/** What is sent in each direction, and of that what has to be counted: iperf3's receiver stops when it hears that the sender is done. */
interface Volume {
  readonly sent: number;
  readonly arrived: number;
}
const TWENTY_MEGABYTES: Volume = { sent: 21e6, arrived: 20e6 };
/** Where only the handshake is new. The guest moves about 14 Mbit/s. */
const TWO_MEGABYTES: Volume = { sent: 3e6, arrived: 2e6 };

const INTERCEPTOR_PORT = 4443;
// With CHAP-MD5 pppd has to start sstpc: started the other way, sstpc 1.0.18 waits for an MS-CHAPv2 response before it sends Call Connected.
export const USERS_PLANS: readonly Plan[] = [
  plan('sha256-and-sha1', usersFile(['sha256', 'sha1'], ['mschapv2', 'chap', 'pap']), [
    tunnelLine('mschapv2', 'TLSv1.3', 'sstpc', TWENTY_MEGABYTES),
    tunnelLine('mschapv2', 'TLSv1.2', 'pppd', TWENTY_MEGABYTES),
    tunnelLine('chap', 'TLSv1.3', 'pppd', TWENTY_MEGABYTES),
    tunnelLine('chap', 'TLSv1.2', 'pppd', TWENTY_MEGABYTES),
    tunnelLine('pap', 'TLSv1.3', 'sstpc', TWENTY_MEGABYTES),
    tunnelLine('pap', 'TLSv1.2', 'pppd', TWENTY_MEGABYTES),
    refusalLine('mschapv2', /rcvd \[CHAP Failure [^\]]*E=691 R=0/),
    refusalLine('chap', /rcvd \[CHAP Failure /),
    refusalLine('pap', /rcvd \[PAP AuthNak /),
    { name: 'a man in the middle is refused by the crypto binding', run: tamperedBinding },
    { name: 'killing sstpc with SIGKILL frees the lease and the route', run: killedClient },
    { name: 'the log holds no password', run: logWithoutPasswords },
  ]),
  plan('sha1-only', usersFile(['sha1'], ['pap', 'chap', 'mschapv2']), [
    tunnelLine('mschapv2', 'TLSv1.3', 'pppd', TWENTY_MEGABYTES),
    tunnelLine('mschapv2', 'TLSv1.2', 'sstpc', TWO_MEGABYTES),
    tunnelLine('chap', 'TLSv1.3', 'pppd', TWO_MEGABYTES),
    tunnelLine('chap', 'TLSv1.2', 'pppd', TWO_MEGABYTES),
    tunnelLine('pap', 'TLSv1.3', 'pppd', TWO_MEGABYTES),
    tunnelLine('pap', 'TLSv1.2', 'sstpc', TWO_MEGABYTES),
  ]),
];

function usersFile(hashes: readonly string[], auth: readonly string[]): (folder: string) => Promise<Surroundings> {
  return async folder => {
    const users = join(folder, 'users.yaml');
    // JSON is YAML.
    writeFileSync(users, JSON.stringify([USER]), { mode: 0o600 });
    return { sections: { sstp: { hashes }, ppp: { auth }, aaa: { method: 'users', users } } };
  };
}

function callOptions(overrides: Partial<CallOptions> = {}): CallOptions {
  return {
    server: `${GATEWAY_NAME}:443`,
    startedBy: 'sstpc',
    auth: 'mschapv2',
    tls: 'TLSv1.3',
    user: USER.name,
    password: USER.password,
    pppd: [],
    ...overrides,
  };
}

function tunnelLine(auth: AuthMethod, tls: TlsVersion, startedBy: CallOptions['startedBy'], volume: Volume): Line {
  return {
    name: `${auth} over ${tls}, started by ${startedBy}: ping and ${volume.arrived / 1e6} MB of iperf3 both ways`,
    run: async ({ gateway, folder }) => {
      const call = await SstpcCall.start(folder, callOptions({ auth, tls, startedBy }));
      const address = await call.connected();
      const session = await sessionUp(gateway);
      assert.deepEqual(
        { user: session.user, auth: session.auth, tls: session.tls.version, ipv4: session.ipv4 },
        { user: USER.name, auth, tls, ipv4: address },
      );
      await ping(GATEWAY_INSIDE);
      await routeToServer(PPP_DEVICE);
      await ping(SERVER_ADDRESS);
      const facts: Facts = {};
      for (const direction of ['up', 'down'] as const) {
        const { bytes, bitsPerSecond } = await transfer(direction, volume.sent);
        assert.ok(bytes >= volume.arrived, `${direction}: only ${bytes} bytes arrived`);
        facts[`${direction}MbitPerSecond`] = Math.round(bitsPerSecond / 1e5) / 10;
      }
      await call.hangUp();
      await gateway.idle(CLEANUP_LIMIT_MS);
      assert.deepEqual(await tunnelRoutes(), []);
      return facts;
    },
  };
}

function refusalLine(auth: AuthMethod, answer: RegExp): Line {
  return {
    name: `a wrong password is refused with ${auth}`,
    run: async ({ gateway, folder }) => {
      const call = await SstpcCall.start(folder, callOptions({ auth, password: WRONG_PASSWORD }));
      await call.refused();
      assert.match(call.pppLog(), answer);
      const reason = gateway
        .logEntries()
        .find(entry => entry['msg'] === 'authentication refused' && entry['method'] === auth);
      assert.equal(reason?.['user'], USER.name);
      assert.equal(reason?.['reason'], 'wrong-password');
      await gateway.idle(CLEANUP_LIMIT_MS);
      return {};
    },
  };
}

async function tamperedBinding({ gateway, folder }: LineContext): Promise<Facts> {
  const interceptor = await intercept(
    {
      cert: readFileSync(join(folder, 'interceptor-cert.pem'), 'utf8'),
      key: readFileSync(join(folder, 'interceptor-key.pem'), 'utf8'),
    },
    { host: GATEWAY_OUTSIDE, port: INTERCEPTOR_PORT },
    { host: GATEWAY_OUTSIDE, port: 443 },
  );
  try {
    const call = await SstpcCall.start(folder, callOptions({ server: `${GATEWAY_NAME}:${INTERCEPTOR_PORT}` }));
    await call.refused();
    await gateway.idle(CLEANUP_LIMIT_MS);
    assert.ok(
      gateway.logEntries().some(entry => entry['reason'] === 'binding-certificate'),
      'the log does not name the certificate hash as the reason',
    );
    return {};
  } finally {
    interceptor.close();
  }
}

async function killedClient({ gateway, folder }: LineContext): Promise<Facts> {
  const call = await SstpcCall.start(folder, callOptions());
  const address = await call.connected();
  await sessionUp(gateway);
  assert.deepEqual(await tunnelRoutes(), [address]);
  const killedAt = performance.now();
  call.kill('SIGKILL');
  await gateway.idle(CLEANUP_LIMIT_MS);
  const facts = { freedAfterMs: Math.round(performance.now() - killedAt) };
  await waitFor('no route left', CLEANUP_LIMIT_MS, async () => (await tunnelRoutes()).length === 0);
  assert.equal(await gateway.leasedAddresses(), 0);
  return facts;
}

async function logWithoutPasswords({ gateway }: LineContext): Promise<Facts> {
  for (const secret of [USER.password, WRONG_PASSWORD]) assert.ok(!gateway.log().includes(secret));
  return {};
}
