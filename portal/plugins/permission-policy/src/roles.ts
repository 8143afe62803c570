import { readFileSync } from 'node:fs';
import type { Config } from '@backstage/config';
import type {
  PermissionCondition,
  PermissionCriteria,
} from '@backstage/plugin-permission-common';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod/v3';

const ROLE = /^role:[a-z0-9]+(-[a-z0-9]+)*\/[a-zA-Z0-9]+([._-][a-zA-Z0-9]+)*$/;
const MEMBER =
  /^(user|group):[a-z0-9]+(-[a-z0-9]+)*\/[a-z0-9]+([._-][a-z0-9]+)*$/;

const role = z.string().regex(ROLE, 'not role:NAMESPACE/NAME');
const action = z.enum(['create', 'read', 'update', 'delete', 'use']);
const criteria: z.ZodType<PermissionCriteria<PermissionCondition>> = z.lazy(
  () =>
    z.union(
      [
        z.strictObject({ anyOf: z.array(criteria).nonempty() }),
        z.strictObject({ allOf: z.array(criteria).nonempty() }),
        z.strictObject({ not: criteria }),
        z.strictObject({
          rule: z.string(),
          resourceType: z.string(),
          params: z.record(z.any()).optional(),
        }),
      ],
      { errorMap: () => ({ message: 'not anyOf, allOf, not, or a rule' }) },
    ),
);
const condition = z.object({
  result: z.literal('CONDITIONAL'),
  roleEntityRef: role,
  pluginId: z.string(),
  resourceType: z.string(),
  permissionMapping: z
    .array(z.union([action, z.object({ name: z.string(), action })]))
    .nonempty(),
  conditions: criteria,
});
const effect = z.enum(['allow', 'deny']);
const grant = z.tuple([role, z.string().min(1), action, effect]);
const member = z.string().toLowerCase().regex(MEMBER, 'no user or group');

/** Who has which role, and what each role may do. */
export type Roles = {
  /** `p` lines: role, permission or resource type, action, effect. */
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
  const roles: Roles = {
    grants: z
      .array(
        z.object({ permission: z.string(), action: action.default('use') }),
      )
      .parse(defaults?.getOptional('basicPermissions') ?? [])
      .map(each => [defaultRole!, each.permission, each.action, 'allow']),
    rolesOf: new Map(),
    conditions: [],
    defaultRole,
    precedence: z
      .enum(['basic', 'conditional'])
      .default('conditional')
      .parse(config?.getOptional('policyDecisionPrecedence')),
  };
  const csv = config?.getOptionalString('policies-csv-file');
  for (const [number, line] of csv
    ? readFileSync(csv, 'utf8').split(/\r?\n/).entries()
    : []) {
    readLine(line, `${csv}, line ${number + 1}`, roles);
  }
  const yaml = config?.getOptionalString('conditionalPoliciesFile');
  for (const document of yaml
    ? parseAllDocuments(readFileSync(yaml, 'utf8'))
    : []) {
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

function readLine(line: string, where: string, { grants, rolesOf }: Roles) {
  const [kind, ...fields] = line.split(',').map(field => field.trim());
  if (!line.trim() || kind.startsWith('#')) {
    return;
  }
  if (kind === 'p' && fields.length === 4) {
    grants.push(checked(grant, fields, where));
  } else if (kind === 'g' && fields.length === 2) {
    const [of, name] = checked(z.tuple([member, role]), fields, where);
    rolesOf.set(of, [...(rolesOf.get(of) ?? []), name]);
  } else {
    throw new Error(`${where}: neither p with 4 fields nor g with 2`);
  }
}

function checked<T>(
  schema: z.ZodType<T, z.ZodTypeDef, unknown>,
  value: unknown,
  where: string,
): T {
  const { data, error } = schema.safeParse(value);
  if (error) {
    const [{ path, message }] = error.issues;
    const names = path.filter(each => typeof each === 'string');
    throw new Error(`${where}: ${[...names, message].join(': ')}`);
  }
  return data as T;
}
