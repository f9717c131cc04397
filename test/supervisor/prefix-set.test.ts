import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PrefixSet } from '../../src/supervisor/prefix-set.ts';
import { formatIpv6Prefix, type Ipv6Prefix, isInIpv6Prefix } from '../../src/wire/ipv6.ts';

/** In a /120, so that many of them meet. */
const prefixes = fc.tuple(fc.integer({ min: 120, max: 128 }), fc.nat(255)).map(([length, byte]): Ipv6Prefix => {
  const host = BigInt(128 - length);
  return { address: (0x2001n << 112n) | ((BigInt(byte) >> host) << host), length };
});

test('a set of prefixes finds what meets a prefix as a search through all of them does', () => {
  const step = fc.tuple(fc.constantFrom('add', 'delete'), prefixes);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), steps => {
      const set = new PrefixSet();
      const oracle = new Map<string, Ipv6Prefix>();
      for (const [what, prefix] of steps) {
        const key = formatIpv6Prefix(prefix);
        const meeting = [...oracle.values()].filter(other => holds(other, prefix) || holds(prefix, other));
        const found = set.meeting(prefix);
        const holder = meeting.find(other => other.length <= prefix.length);
        assert.deepEqual(found, meeting.length === 0 ? undefined : (holder ?? prefix));
        if (what === 'delete') assert.equal(set.delete(prefix), oracle.delete(key));
        else assert.equal(set.add(prefix), meeting.length === 0);
        if (what === 'add' && meeting.length === 0) oracle.set(key, prefix);
        assert.equal(set.size, oracle.size);
      }
      assert.deepEqual([...set].map(formatIpv6Prefix).toSorted(), [...oracle.keys()].toSorted());
      assert.equal(new PrefixSet(oracle.values()).size, set.size);
    }),
  );
});

function holds(outer: Ipv6Prefix, inner: Ipv6Prefix): boolean {
  return outer.length <= inner.length && isInIpv6Prefix(inner.address, outer);
}
