import {
  AuthorizeResult,
  createPermission,
} from '@backstage/plugin-permission-common';
import type { PolicyQueryUser } from '@backstage/plugin-permission-node';
import { RolePolicy } from './RolePolicy';
import type { Roles } from './roles';

const { ALLOW, CONDITIONAL, DENY } = AuthorizeResult;
const remove = createPermission({
  name: 'catalog.entity.delete',
  attributes: { action: 'delete' },
  resourceType: 'catalog-entity',
});
const dryRun = createPermission({
  name: 'scaffolder.template.dry-run',
  attributes: {},
});
const ada = 'user:default/ada';
const user = { credentials: {} } as PolicyQueryUser;
const owned = {
  rule: 'IS_ENTITY_OWNER',
  resourceType: 'catalog-entity',
  params: { claims: ['$ownerRefs', 'group:default/all'] },
};

type Line = [role: string, permission: string, action: string, effect: string];

function policyOf(
  lines: Line[],
  conditions: [role: string, mapping: unknown[], criteria: unknown][] = [],
  roles: Partial<Roles> = {},
) {
  return new RolePolicy(
    {
      grants: lines as Roles['grants'],
      rolesOf: new Map([
        [ada, ['own']],
        ['group:default/sre', ['sre', 'admin']],
      ]),
      conditions: conditions.map(([roleEntityRef, mapping, criteria]) => ({
        result: 'CONDITIONAL',
        roleEntityRef,
        pluginId: 'catalog',
        resourceType: 'catalog-entity',
        permissionMapping: mapping,
        conditions: criteria,
      })) as Roles['conditions'],
      precedence: 'basic',
      ...roles,
    },
    {
      getUserInfo: async () => ({
        userEntityRef: ada,
        ownershipEntityRefs: [ada, 'group:default/SRE'],
      }),
    },
    { error: jest.fn() } as any,
  );
}

const resultOf = async (
  policy: RolePolicy,
  permission: typeof remove | typeof dryRun = remove,
) => (await policy.handle({ permission }, user)).result;

describe('RolePolicy', () => {
  it('denies what no line allows, and everything without a user', async () => {
    const policy = policyOf([['own', 'catalog-entity', 'delete', 'allow']]);
    expect(await resultOf(policy)).toBe(ALLOW);
    expect(await resultOf(policy, dryRun)).toBe(DENY);
    expect(await policy.handle({ permission: remove })).toEqual({
      result: DENY,
    });
  });

  it.each<[string, Line[], AuthorizeResult]>([
    ['of a group', [['sre', 'catalog-entity', 'delete', 'allow']], ALLOW],
    ['of someone else', [['ops', 'catalog-entity', 'delete', 'allow']], DENY],
    ['of another action', [['own', 'catalog-entity', 'use', 'allow']], DENY],
    [
      'that denies, beside one that allows',
      [
        ['own', 'catalog-entity', 'delete', 'allow'],
        ['sre', 'catalog-entity', 'delete', 'deny'],
      ],
      DENY,
    ],
    [
      'with its name, which hides those of its resource type',
      [
        ['own', 'catalog.entity.delete', 'delete', 'allow'],
        ['sre', 'catalog-entity', 'delete', 'deny'],
      ],
      ALLOW,
    ],
  ])('decides by a line %s', async (_, lines, result) => {
    expect(await resultOf(policyOf(lines))).toBe(result);
  });

  it('gives a permission without an action the action use', async () => {
    const line: Line = ['own', dryRun.name, 'use', 'allow'];
    expect(await resultOf(policyOf([line]), dryRun)).toBe(ALLOW);
    expect(
      await resultOf(policyOf([['own', dryRun.name, 'read', 'allow']]), dryRun),
    ).toBe(DENY);
  });

  it('gives everyone the default role', async () => {
    const lines: Line[] = [['all', 'catalog-entity', 'delete', 'allow']];
    expect(await resultOf(policyOf(lines))).toBe(DENY);
    expect(await resultOf(policyOf(lines, [], { defaultRole: 'all' }))).toBe(
      ALLOW,
    );
  });

  it("joins the roles' conditions and fills in the user's references", async () => {
    const mine = {
      not: {
        rule: 'HAS_SPEC',
        resourceType: 'catalog-entity',
        params: { key: 'owner', value: '$currentUser' },
      },
    };
    const policy = policyOf(
      [],
      [
        ['own', ['update', 'delete'], owned],
        ['sre', [{ name: remove.name, action: 'delete' }], { allOf: [mine] }],
        ['sre', ['read'], mine],
        ['ops', ['delete'], mine],
        ['own', [{ name: 'catalog.entity.other', action: 'delete' }], mine],
      ],
    );
    expect(await policy.handle({ permission: remove }, user)).toEqual({
      result: CONDITIONAL,
      pluginId: 'catalog',
      resourceType: 'catalog-entity',
      conditions: {
        anyOf: [
          {
            ...owned,
            params: { claims: [ada, 'group:default/SRE', 'group:default/all'] },
          },
          {
            allOf: [
              {
                not: {
                  ...mine.not,
                  params: { key: 'owner', value: ada },
                },
              },
            ],
          },
        ],
      },
    });
  });

  it.each<[Roles['precedence'], AuthorizeResult]>([
    ['basic', ALLOW],
    ['conditional', CONDITIONAL],
  ])(
    'with precedence %s a line beside a condition is %s',
    async (first, result) => {
      const policy = policyOf(
        [['admin', 'catalog-entity', 'delete', 'allow']],
        [['own', ['delete'], owned]],
        { precedence: first },
      );
      expect(await resultOf(policy)).toBe(result);
    },
  );

  it('denies and logs when it fails', async () => {
    const error = jest.fn();
    const policy = new RolePolicy(
      { grants: [], rolesOf: new Map(), conditions: [], precedence: 'basic' },
      { getUserInfo: () => Promise.reject(new Error('no such user')) },
      { error } as any,
    );
    expect(await resultOf(policy)).toBe(DENY);
    expect(error).toHaveBeenCalledTimes(1);
  });
});
