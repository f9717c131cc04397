import assert from 'node:assert/strict';
import test from 'node:test';
import {
  changedIdentity,
  gatewayIdentity,
  requestAttributes,
  sessionIdentity,
} from '../../../src/aaa/radius/accounting-attributes.ts';
import { AcctStatus } from '../../../src/aaa/radius/acct-status.ts';
import type { AccountingRequest } from '../../../src/aaa/radius/journal-entry.ts';
import { encodeRadiusPacket, RadiusAttribute, readInteger, type Attribute } from '../../../src/wire/radius.ts';
import { accountedSession, authSession } from './accounted-session.ts';
import { radiusOptions } from './radius-options.ts';
import { sampleRequest } from './journal-samples.ts';

const RADIUS = radiusOptions(1813);
const AT = 1_700_000_090_900;

test('a Start says who is connected, from where, and with which addresses', () => {
  const attributes = requestAttributes(requestOf(AcctStatus.Start), AT + 5_200);
  assert.equal(integerOf(attributes, RadiusAttribute.AcctStatusType), 1);
  assert.equal(textOf(attributes, RadiusAttribute.AcctSessionId), 's-1');
  assert.equal(textOf(attributes, RadiusAttribute.UserName), 'alice');
  assert.equal(textOf(attributes, RadiusAttribute.NasIdentifier), 'gateway.example');
  assert.equal(textOf(attributes, RadiusAttribute.CallingStationId), '198.51.100.9');
  assert.equal(textOf(attributes, RadiusAttribute.CalledStationId), 'vpn.example');
  assert.equal(textOf(attributes, RadiusAttribute.FramedRoute), '10.9.0.0/16 0.0.0.0 1');
  assert.equal(integerOf(attributes, RadiusAttribute.TunnelType), 0x013701);
  assert.equal(integerOf(attributes, RadiusAttribute.FramedIpAddress), 0x0a000009);
  assert.equal(integerOf(attributes, RadiusAttribute.AcctAuthentic), 1);
  assert.equal(integerOf(attributes, RadiusAttribute.EventTimestamp), 1_700_000_090);
  assert.equal(integerOf(attributes, RadiusAttribute.AcctDelayTime), 5);
  assert.deepEqual(
    attributes.filter(({ type }) => type === RadiusAttribute.Class).map(({ value }) => [...value]),
    [[1, 2, 3], [4]],
  );
  assert.equal(valueOf(attributes, RadiusAttribute.AcctInputOctets), undefined);
  assert.equal(valueOf(attributes, RadiusAttribute.AcctTerminateCause), undefined);
});

test('totals above 32 bits go into gigawords', () => {
  const traffic = { rxBytes: 5 * 2 ** 32 + 17, txBytes: 2 ** 32 - 1, rxPackets: 2 ** 32 + 3, txPackets: 9 };
  const attributes = requestAttributes({ ...requestOf(AcctStatus.Stop), traffic, cause: 4 }, AT);
  assert.equal(integerOf(attributes, RadiusAttribute.AcctInputOctets), 17);
  assert.equal(integerOf(attributes, RadiusAttribute.AcctInputGigawords), 5);
  assert.equal(integerOf(attributes, RadiusAttribute.AcctOutputOctets), 2 ** 32 - 1);
  assert.equal(integerOf(attributes, RadiusAttribute.AcctOutputGigawords), 0);
  assert.equal(integerOf(attributes, RadiusAttribute.AcctInputPackets), 3);
  assert.equal(integerOf(attributes, RadiusAttribute.AcctOutputPackets), 9);
  assert.equal(integerOf(attributes, RadiusAttribute.AcctSessionTime), 90);
  assert.equal(integerOf(attributes, RadiusAttribute.AcctTerminateCause), 4);
});

test('an Interim has totals and no cause; a wall clock that was put back gives no negative times', () => {
  const attributes = requestAttributes({ ...requestOf(AcctStatus.Interim), upAt: AT + 10_000 }, AT - 10_000);
  assert.equal(integerOf(attributes, RadiusAttribute.AcctInputOctets), 0);
  assert.equal(integerOf(attributes, RadiusAttribute.AcctSessionTime), 0);
  assert.equal(integerOf(attributes, RadiusAttribute.AcctDelayTime), 0);
  assert.equal(valueOf(attributes, RadiusAttribute.AcctTerminateCause), undefined);
});

test('classes are replaced, everything else stays', () => {
  const identity = sessionIdentity(accountedSession('s-1'), RADIUS);
  const changed = changedIdentity(identity, { classes: [Uint8Array.of(9)] });
  const before = requestAttributes({ ...requestOf(AcctStatus.Start), attributes: identity }, AT);
  const after = requestAttributes({ ...requestOf(AcctStatus.Start), attributes: changed }, AT);
  assert.deepEqual(new Set(withoutClasses(after)), new Set(withoutClasses(before)));
  assert.deepEqual([...valueOf(after, RadiusAttribute.Class)!], [9]);
});

test('routes and the interface identifier are replaced by those that are given', () => {
  const identity = sessionIdentity(accountedSession('s-1', { interfaceId: undefined }), RADIUS);
  const request = requestOf(AcctStatus.Stop);
  const before = requestAttributes({ ...request, attributes: identity }, AT);
  assert.equal(valueOf(before, RadiusAttribute.FramedInterfaceId), undefined);
  const routes = [{ family: 4, address: 0xc0a80100, length: 24, metric: 7 }] as const;
  const attributes = changedIdentity(identity, { interfaceId: 0x1234n, routes });
  const changed = requestAttributes({ ...request, attributes }, AT);
  assert.deepEqual([...valueOf(changed, RadiusAttribute.FramedInterfaceId)!], [0, 0, 0, 0, 0, 0, 0x12, 0x34]);
  const framed = changed.filter(({ type }) => type === RadiusAttribute.FramedRoute);
  assert.deepEqual(
    framed.map(({ value }) => new TextDecoder().decode(value)),
    ['192.168.1.0/24 0.0.0.0 7'],
  );
});

test('however much a server says, the request fits into a packet', () => {
  const session = accountedSession('s-1', {
    session: authSession('s-1', { serverName: 'x'.repeat(500) }),
    user: 'é'.repeat(255),
    classes: Array.from({ length: 40 }, () => new Uint8Array(253)),
    routes: Array.from({ length: 200 }, (_, index) => ({
      family: 4 as const,
      address: index << 8,
      length: 24,
      metric: undefined,
    })),
  });
  const attributes = requestAttributes(
    { ...requestOf(AcctStatus.Stop), attributes: sessionIdentity(session, RADIUS) },
    AT,
  );
  const packet = encodeRadiusPacket({ code: 4, identifier: 0, authenticator: new Uint8Array(16), attributes });
  assert.ok(packet.length <= 4096 - 18, `${packet.length} bytes`);
  assert.equal(textOf(attributes, RadiusAttribute.AcctSessionId), 's-1');
});

test('Accounting-On names the gateway and its start', () => {
  const request = { ...sampleRequest(1, '', AcctStatus.On), attributes: gatewayIdentity(RADIUS, AT) };
  const attributes = requestAttributes(request, AT);
  assert.equal(textOf(attributes, RadiusAttribute.NasIdentifier), 'gateway.example');
  assert.equal(integerOf(attributes, RadiusAttribute.NasIpAddress), 0xc0000201);
  assert.equal(integerOf(attributes, RadiusAttribute.AcctStatusType), 7);
  assert.notEqual(textOf(attributes, RadiusAttribute.AcctSessionId), '');
});

function requestOf(status: number): AccountingRequest {
  const attributes = sessionIdentity(accountedSession('s-1'), RADIUS);
  return { ...sampleRequest(1, 's-1', status), at: AT, upAt: AT - 90_000, attributes };
}

function withoutClasses(attributes: readonly Attribute[]): string[] {
  return attributes
    .filter(({ type }) => type !== RadiusAttribute.Class)
    .map(({ type, value }) => `${type} ${Buffer.from(value).toString('hex')}`);
}

function valueOf(attributes: readonly Attribute[], type: number): Uint8Array | undefined {
  return attributes.find(attribute => attribute.type === type)?.value;
}

function integerOf(attributes: readonly Attribute[], type: number): number | undefined {
  const value = valueOf(attributes, type);
  return value === undefined ? undefined : readInteger(value);
}

function textOf(attributes: readonly Attribute[], type: number): string {
  return Buffer.from(valueOf(attributes, type) ?? []).toString();
}
