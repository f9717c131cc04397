// The image's entry point, with the capabilities that a container may come with.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ENTRYPOINT = fileURLToPath(new URL('../../../deploy/docker/entrypoint.sh', import.meta.url));
const NET_BIND_SERVICE = 1n << 10n;
const NET_ADMIN = 1n << 12n;
/** What Docker leaves to root in a container without further options, as far as it matters here. */
const BY_DEFAULT = '-all,+setuid,+setgid,+setpcap,+net_bind_service,+kill';

describe('deploy/docker/entrypoint.sh', { skip: unavailable() }, () => {
  const cases: [string, string, bigint][] = [
    ['with NET_ADMIN', `${BY_DEFAULT},+net_admin`, NET_BIND_SERVICE | NET_ADMIN],
    ['without NET_ADMIN', BY_DEFAULT, NET_BIND_SERVICE],
    ['with neither', '-all,+setuid,+setgid,+setpcap', 0n],
  ];
  for (const [name, bounding, expected] of cases) {
    test(`${name} the gateway is nobody's root and has what is left`, () => {
      const shown = 'id -u; grep -E "^(Cap|NoNewPrivs)" /proc/self/status';
      const argv = [`--bounding-set=${bounding}`, '--inh-caps=-all', 'sh', ENTRYPOINT, 'sh', '-c', shown];
      const [uid, ...lines] = execFileSync('setpriv', argv, { encoding: 'utf8' }).trim().split('\n');
      assert.equal(uid, '10001');
      const status = Object.fromEntries(lines.map(line => line.split(/:\s*/) as [string, string]));
      for (const set of ['CapEff', 'CapPrm', 'CapBnd', 'CapAmb', 'CapInh']) {
        assert.equal(BigInt(`0x${status[set]}`), expected, set);
      }
      assert.equal(status['NoNewPrivs'], '1');
    });
  }

  test('ends as the gateway ends', () => {
    assert.equal(spawnSync('sh', [ENTRYPOINT, 'sh', '-c', 'exit 7']).status, 7);
  });
});

function unavailable(): string | false {
  if (process.env['CI'] === 'true') return false;
  if (process.getuid?.() !== 0) return 'needs root';
  return spawnSync('setpriv', ['--version']).error === undefined ? false : 'needs the command setpriv (util-linux)';
}
