import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { CertificateStore } from '../../src/https/certificate-store.ts';
import { connectClient, eventually, makeCertificate, openTunnel, startListener, type TestListener } from './fixture.ts';

const policy = { minVersion: 'TLSv1.2' } as const;

describe('the certificate of a connection', () => {
  test('two of one kind of key for the same names are refused before any connection', async () => {
    const twins = [await makeCertificate({ keyType: 'rsa' }), await makeCertificate({ keyType: 'rsa' })];
    assert.throws(() => new CertificateStore(twins, policy), {
      name: 'CertificateError',
      message: /^the certificates for vpn\.example cannot be offered together: /,
    });
  });

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`over ${maxVersion} is selected by server name: exact, wildcard, any case, default`, async () => {
      const first = await makeCertificate({ names: ['first.example'] });
      const exact = await makeCertificate({ names: ['vpn.second.example'] });
      const wildcard = await makeCertificate({ names: ['*.second.example'], keyType: 'rsa' });
      await using server = await startListener({ certificates: [first, exact, wildcard] });
      const cases: readonly [string | undefined, typeof first][] = [
        [undefined, first],
        ['first.example', first],
        ['FIRST.Example', first],
        ['unknown.example', first],
        ['vpn.second.example', exact],
        ['VPN.SECOND.EXAMPLE', exact],
        ['other.second.example', wildcard],
        ['a.b.second.example', first],
        ['second.example', first],
      ];
      for (const [name, expected] of cases) {
        const options = name === undefined ? { maxVersion } : { maxVersion, servername: name };
        assert.deepEqual(await presented(server, options), { client: expected.der, server: expected.der }, name);
      }
    });

    test(`over ${maxVersion} is the one that the client's algorithms choose of an RSA and an ECDSA key`, async () => {
      const rsa = await makeCertificate({ keyType: 'rsa' });
      const ecdsa = await makeCertificate({ keyType: 'ec' });
      await using server = await startListener({ certificates: [rsa, ecdsa] });
      const onlyRsa = { maxVersion, sigalgs: 'rsa_pss_rsae_sha256:RSA+SHA256' };
      const onlyEcdsa = { maxVersion, sigalgs: 'ecdsa_secp256r1_sha256' };
      for (const servername of ['', 'vpn.example']) {
        assert.deepEqual(await presented(server, { ...onlyRsa, servername }), { client: rsa.der, server: rsa.der });
        assert.deepEqual(await presented(server, { ...onlyEcdsa, servername }), {
          client: ecdsa.der,
          server: ecdsa.der,
        });
      }
    });

    test(`over ${maxVersion} stays with the connection when certificates are replaced`, async () => {
      const old = await makeCertificate({ names: ['a.example', 'b.example'] });
      const fresh = await makeCertificate({ names: ['a.example', 'b.example'] });
      await using server = await startListener({ certificates: [old] });
      const { client, upper } = await openTunnel(server, { maxVersion, servername: 'b.example' });
      const waiting = await connectClient(server.port, { maxVersion });
      server.setCertificates([fresh]);
      for (const servername of ['', 'b.example']) {
        assert.deepEqual(await presented(server, { maxVersion, servername }), { client: fresh.der, server: fresh.der });
      }
      assert.deepEqual(Buffer.from(upper.connection.certificate), old.der);
      client.socket.write('still open');
      await eventually(() => upper.text === 'still open');
      waiting.socket.destroy();
    });

    test(`over ${maxVersion} is right although the client offers an old session: sessions are not resumed`, async () => {
      const old = await makeCertificate();
      const fresh = await makeCertificate();
      await using server = await startListener({ certificates: [old] });
      let session: Buffer | undefined;
      const first = await connectClient(server.port, { maxVersion });
      first.socket.on('session', (bytes: Buffer) => (session = bytes));
      session = first.socket.getSession();
      await openTunnel(server, { maxVersion });
      server.setCertificates([fresh]);
      const offered = { maxVersion, ...(session === undefined ? {} : { session }) };
      assert.deepEqual(await presented(server, offered), { client: fresh.der, server: fresh.der });
      const second = await connectClient(server.port, offered);
      assert.equal(second.socket.isSessionReused(), false);
    });
  }

  test('is shared by all connections that present it', async () => {
    await using server = await startListener();
    const a = await openTunnel(server);
    const b = await openTunnel(server);
    assert.equal(a.upper.connection.certificate, b.upper.connection.certificate);
  });

  test('is sent with its intermediates', async () => {
    const root = await makeCertificate({ names: ['Root'] });
    const leaf = await makeCertificate({ ca: root });
    await using server = await startListener({ certificates: [{ ...leaf, cert: `${leaf.cert}\n${root.cert}` }] });
    const client = await connectClient(server.port);
    const chain = client.socket.getPeerCertificate(true);
    assert.deepEqual(chain.raw, leaf.der);
    assert.deepEqual(chain.issuerCertificate.raw, root.der);
  });
});

describe('the certificate store', () => {
  test('takes the names from the certificate when none are configured', async () => {
    const first = await makeCertificate();
    const second = await makeCertificate({ names: ['second.example', '*.third.example'] });
    const store = new CertificateStore([first, { ...second, serverNames: [] }], policy);
    assert.equal(store.select('second.example'), store.select('x.third.example'));
    assert.notEqual(store.select('second.example'), store.select('vpn.example'));
    assert.equal(store.select('second.example.'), store.select('second.example'));
  });

  test('refuses a certificate with the key of another, and says which', async () => {
    const [a, b] = [await makeCertificate(), await makeCertificate({ names: ['b.example'] })];
    assert.throws(() => new CertificateStore([a, { ...b, key: a.key }], policy), {
      name: 'CertificateError',
      message: /^certificate 2 \(b\.example\): .*key/i,
    });
  });

  test('refuses what is no certificate, what is no key, and an empty list', async () => {
    const made = await makeCertificate();
    assert.throws(() => new CertificateStore([{ ...made, cert: 'no PEM' }], policy), { name: 'CertificateError' });
    assert.throws(() => new CertificateStore([{ ...made, key: 'no PEM' }], policy), { name: 'CertificateError' });
    assert.throws(() => new CertificateStore([], policy), { name: 'CertificateError' });
  });

  test('of a listener stays as it is when a replacement is refused', async () => {
    const made = await makeCertificate();
    await using server = await startListener({ certificates: [made] });
    assert.throws(() => server.setCertificates([{ ...made, key: 'no PEM' }]), { name: 'CertificateError' });
    assert.deepEqual(await presented(server, {}), { client: made.der, server: made.der });
  });
});

/** The leaf as the client saw it and as the server pins it. */
async function presented(
  server: TestListener,
  options: ConnectionOptions,
): Promise<{ client: Buffer; server: Buffer }> {
  const { client, upper } = await openTunnel(server, options);
  const seen = client.socket.getPeerCertificate().raw;
  client.socket.destroy();
  return { client: seen, server: Buffer.from(upper.connection.certificate) };
}
