import { readFileSync } from 'node:fs';
import type { Config } from '@backstage/config';
import type {
  PermissionCondition,
  PermissionCriteria,
} from '@backstage/plugin-permission-common';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod/v3';

export type Criteria = PermissionCriteria<PermissionCondition>;

const ACTIONS = ['create', 'read', 'update', 'delete', 'use'] as const;
const ROLE = /^role:[a-z0-9]+(-[a-z0-9]+)*\/[a-zA-Z0-9]+([._-][a-zA-Z0-9]+)*$/;
const MEMBER =
  /^(user|group):[a-z0-9]+(-[a-z0-9]+)*\/[a-z0-9]+([._-][a-z0-9]+)*$/;

const action = z.enum(ACTIONS);
const criteria: z.ZodType<Criteria> = z.lazy(() =>
  z.union(
    [
      z.object({ anyOf: z.array(criteria).nonempty() }).strict(),
      z.object({ allOf: z.array(criteria).nonempty() }).strict(),
      z.object({ not: criteria }).strict(),
      z
        .object({
          rule: z.string(),
          resourceType: z.string(),
          params: z.record(z.any()).optional(),
        })
        .strict(),
    ],
    {
      errorMap: () => ({
        message: 'not one of anyOf, allOf, not, or rule with resourceType',
      }),
    },
  ),
);
const condition = z.object({
  result: z.literal('CONDITIONAL'),
  roleEntityRef: z.string().regex(ROLE),
  pluginId: z.string(),
  resourceType: z.string(),
  permissionMapping: z
    .array(z.union([action, z.object({ name: z.string(), action })]))
    .nonempty(),
  conditions: criteria,
});
const grant = z.object({
  role: z.string().regex(ROLE),
  permission: z.string().min(1),
  action,
  effect: z.enum(['allow', 'deny']),
});
const membership = z.object({
  member: z.string().toLowerCase().regex(MEMBER),
  role: z.string().regex(ROLE),
});

/** Who has which role, and what each role may do. */
export type Roles = {
  /** `p` lines; `permission` is a permission's name or a resource type. */
  grants: z.infer<typeof grant>[];
  /** Roles by the reference of a user or group, from `g` lines. */
  rolesOf: Map<string, string[]>;
  /** In the order of the file. */
  conditions: z.infer<typeof condition>[];
  /** Of everyone who is signed in. */
  defaultRole?: string;
  /** What decides when a role has a `p` line and another one a condition. */
  precedence: 'basic' | 'conditional';
};

/**
 * Reads the keys that @backstage-community/plugin-rbac-backend has below `permission.rbac`, and the
 * files that they name. Throws an Error with file and line of the first fault.
 */
export function readRoles(root: Config): Roles {
  const config = root.getOptionalConfig('permission.rbac');
  const defaults = config?.getOptionalConfig('defaultPermissions');
  const defaultRole = defaults?.getString('defaultRole');
  const basic = defaults?.getOptional('basicPermissions') ?? [];
  const roles: Roles = {
    grants: z
      .array(
        z.object({ permission: z.string(), action: action.default('use') }),
      )
      .parse(basic)
      .map(each => ({ ...each, role: defaultRole!, effect: 'allow' as const })),
    rolesOf: new Map(),
    conditions: [],
    defaultRole,
    precedence: z
      .enum(['basic', 'conditional'])
      .default('conditional')
      .parse(config?.getOptional('policyDecisionPrecedence')),
  };
  const csv = config?.getOptionalString('policies-csv-file');
  for (const [number, line] of csv ? read(csv).split(/\r?\n/).entries() : []) {
    readLine(line, `${csv}, line ${number + 1}`, roles);
  }
  const yaml = config?.getOptionalString('conditionalPoliciesFile');
  for (const document of yaml ? parseAllDocuments(read(yaml)) : []) {
    const where = `${yaml}, document ${roles.conditions.length + 1}`;
    if (document.errors?.length) {
      throw new Error(`${where}: ${document.errors[0].message}`);
    }
    const value = document.toJS();
    if (value !== null) {
      roles.conditions.push(checked(condition, value, where));
    }
  }
  return roles;
}

function readLine(line: string, where: string, roles: Roles) {
  if (!line.trim() || line.trim().startsWith('#')) {
    return;
  }
  const [kind, ...rest] = line.split(',').map(field => field.trim());
  if (kind === 'p' && rest.length === 4) {
    const [role, permission, act, effect] = rest;
    const fields = { role, permission, action: act, effect };
    roles.grants.push(checked(grant, fields, where));
  } else if (kind === 'g' && rest.length === 2) {
    const fields = { member: rest[0], role: rest[1] };
    const { member, role } = checked(membership, fields, where);
    roles.rolesOf.set(member, [...(roles.rolesOf.get(member) ?? []), role]);
  } else {
    throw new Error(
      `${where}: neither "p, ROLE, PERMISSION, ACTION, EFFECT" nor "g, MEMBER, ROLE"`,
    );
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`Can't read the permissions: ${(error as Error).message}`);
  }
}

function checked<T>(
  schema: z.ZodType<T, z.ZodTypeDef, unknown>,
  value: unknown,
  where: string,
): T {
  const result = schema.safeParse(value);
  if (result.success) {
    return result.data;
  }
  const [{ path, message }] = result.error.issues;
  throw new Error(`${where}: ${[...path, message].join(': ')}`);
}
