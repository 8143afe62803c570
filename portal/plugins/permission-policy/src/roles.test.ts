import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigReader } from '@backstage/config';
import { readRoles } from './roles';

describe('readRoles', () => {
  const directory = mkdtempSync(join(tmpdir(), 'roles-'));
  const csv = join(directory, 'permissions.csv');
  const yaml = join(directory, 'conditions.yaml');
  afterAll(() => rmSync(directory, { recursive: true }));

  const read = (lines: string, documents = '', rbac = {}) => {
    writeFileSync(csv, lines);
    writeFileSync(yaml, documents);
    const files = { 'policies-csv-file': csv, conditionalPoliciesFile: yaml };
    return readRoles(
      new ConfigReader({ permission: { rbac: { ...files, ...rbac } } }),
    );
  };

  it('reads lines, memberships and comments', () => {
    const roles = read(
      '# p, comment\r\n\r\np, role:default/a, x.read ,read, allow\n' +
        ' g, Group:default/SRE, role:default/a\ng, group:default/sre, role:default/b',
    );
    expect(roles.grants).toEqual([
      ['role:default/a', 'x.read', 'read', 'allow'],
    ]);
    expect([...roles.rolesOf]).toEqual([
      ['group:default/sre', ['role:default/a', 'role:default/b']],
    ]);
  });

  it("reads the default role's permissions and the precedence", () => {
    const roles = read('', '', {
      policyDecisionPrecedence: 'basic',
      defaultPermissions: {
        defaultRole: 'role:default/all',
        basicPermissions: [{ permission: 'x' }],
      },
    });
    expect(roles.precedence).toBe('basic');
    expect(roles.grants).toEqual([['role:default/all', 'x', 'use', 'allow']]);
  });

  const document = (conditions: string, action = 'read') =>
    `result: CONDITIONAL\nroleEntityRef: role:default/a\npluginId: p\nresourceType: t\n` +
    `permissionMapping: [${action}]\nconditions: ${conditions}\n`;
  const rule = '{rule: R, resourceType: t}';

  it('reads the documents of the conditions', () => {
    const text = [document(rule), '', document(`{not: {anyOf: [${rule}]}}`)];
    expect(read('', `${text.join('---\n')}`).conditions).toHaveLength(2);
  });

  it('allows nothing and names no default role without configuration', () => {
    expect(readRoles(new ConfigReader({}))).toMatchObject({
      grants: [],
      conditions: [],
      precedence: 'conditional',
    });
  });

  it.each([
    ['p, role:default/a, x, read', 'line 1: neither'],
    ['\np, a, x, read, allow', 'line 2: not role:'],
    [
      'p, role:default/a, x, raed, allow',
      "line 1: Invalid enum value. Expected 'create'",
    ],
    [
      'p, role:default/a, x, read, alow',
      "line 1: Invalid enum value. Expected 'allow'",
    ],
    ['g, role:default/b, role:default/a', 'line 1: no user or group'],
    ['g, group:default/b, group:default/a', 'line 1: not role:'],
    ['x', 'line 1: neither'],
  ])('fails on the line %j', (line, message) => {
    expect(() => read(line)).toThrow(`permissions.csv, ${message}`);
  });

  it.each([
    [document('{anyOf: []}'), 'document 1: conditions'],
    [document(`{anyOf: [${rule}], rule: R}`), 'document 1: conditions'],
    [
      `${document(rule)}---\n${document('{rule: R}')}`,
      'document 2: conditions',
    ],
    [document(rule, 'raed'), 'document 1: permissionMapping'],
    ['a: [', 'document 1: '],
    ['- 1', 'document 1: Expected object'],
  ])('fails on the documents %j', (text, message) => {
    expect(() => read('', text)).toThrow(`conditions.yaml, ${message}`);
  });

  it('fails without the file that the configuration names', () => {
    const rbac = { 'policies-csv-file': join(directory, 'missing.csv') };
    expect(() => readRoles(new ConfigReader({ permission: { rbac } }))).toThrow(
      /ENOENT.*missing.csv/,
    );
  });
});
