import type {
  BackstageUserInfo,
  LoggerService,
  UserInfoService,
} from '@backstage/backend-plugin-api';
import {
  AuthorizeResult,
  isResourcePermission,
  type ConditionalPolicyDecision,
  type PolicyDecision,
  type ResourcePermission,
} from '@backstage/plugin-permission-common';
import type {
  PermissionPolicy,
  PolicyQuery,
  PolicyQueryUser,
} from '@backstage/plugin-permission-node';
import type { Roles } from './roles';

const DENY = { result: AuthorizeResult.DENY } as const;

/**
 * Decides as @backstage-community/plugin-rbac-backend does with `useOwnershipEntityRefs`, without a
 * database: a user has the roles of their own reference and of the groups in their token. What no
 * role allows is denied, as is everything if there is no user or the decision fails.
 */
export class RolePolicy implements PermissionPolicy {
  constructor(
    private readonly roles: Roles,
    private readonly userInfo: UserInfoService,
    private readonly logger: LoggerService,
  ) {}

  async handle(
    { permission }: PolicyQuery,
    user?: PolicyQueryUser,
  ): Promise<PolicyDecision> {
    if (!user) {
      return DENY;
    }
    try {
      const info = await this.userInfo.getUserInfo(user.credentials);
      return this.decide(permission, info);
    } catch (error) {
      this.logger.error(`Denied ${permission.name}: ${error}`);
      return DENY;
    }
  }

  private decide(
    permission: PolicyQuery['permission'],
    user: BackstageUserInfo,
  ): PolicyDecision {
    const { grants, rolesOf, defaultRole, precedence } = this.roles;
    const action = permission.attributes.action ?? 'use';
    const roles = new Set([defaultRole]);
    for (const ref of [user.userEntityRef, ...user.ownershipEntityRefs]) {
      rolesOf.get(ref.toLowerCase())?.forEach(role => roles.add(role));
    }
    const effects = (object: string) =>
      grants
        .filter(
          ([role, name, act]) =>
            roles.has(role) && name === object && act === action,
        )
        .map(([, , , effect]) => effect);

    let found = effects(permission.name);
    if (isResourcePermission(permission)) {
      // Lines that name the permission hide those of its resource type.
      found = found.length ? found : effects(permission.resourceType);
      const conditional = this.conditional(permission, action, roles, user);
      if (conditional && (precedence === 'conditional' || !found.length)) {
        return conditional;
      }
    }
    return found.includes('allow') && !found.includes('deny')
      ? { result: AuthorizeResult.ALLOW }
      : DENY;
  }

  private conditional(
    { name, resourceType }: ResourcePermission,
    action: string,
    roles: Set<string | undefined>,
    user: BackstageUserInfo,
  ): ConditionalPolicyDecision | undefined {
    const [first, ...others] = this.roles.conditions.filter(
      each =>
        roles.has(each.roleEntityRef) &&
        each.resourceType === resourceType &&
        each.permissionMapping.some(entry =>
          typeof entry === 'string'
            ? entry === action
            : entry.name === name && entry.action === action,
        ),
    );
    return (
      first && {
        result: AuthorizeResult.CONDITIONAL,
        pluginId: first.pluginId,
        resourceType,
        conditions: {
          anyOf: [
            resolved(first.conditions, user),
            ...others.map(each => resolved(each.conditions, user)),
          ],
        },
      }
    );
  }
}

/** A copy with the user's references in place of the aliases `$ownerRefs` and `$currentUser`. */
function resolved<T>(value: T, user: BackstageUserInfo): T {
  const owners = user.ownershipEntityRefs;
  return JSON.parse(JSON.stringify(value), (_, each) => {
    if (Array.isArray(each)) {
      return each.flatMap(one => (one === '$ownerRefs' ? owners : [one]));
    }
    return each === '$currentUser' ? user.userEntityRef : each;
  });
}
