import { actionsRegistryServiceFactory } from '@backstage/backend-defaults/alpha';
import { httpRouterServiceFactory } from '@backstage/backend-defaults/httpRouter';
import {
  coreServices,
  type HttpAuthService,
  type HttpRouterService,
  type PermissionsRegistryService,
  type PermissionsService,
  type PluginMetadataService,
  type ServiceFactory,
  type ServiceRef,
} from '@backstage/backend-plugin-api';
import type { ActionsRegistryService } from '@backstage/backend-plugin-api/alpha';
import { NotAllowedError } from '@backstage/errors';
import {
  AuthorizeResult,
  createPermission,
  type BasicPermission,
  type PermissionAttributes,
} from '@backstage/plugin-permission-common';
import { Router, type Request, type RequestHandler } from 'express';

const permission = (
  name: string,
  action?: PermissionAttributes['action'],
): BasicPermission => createPermission({ name, attributes: { action } });

// The names of Backstage's DevTools, whose pages call these routes.
const readTasks = permission('devtools.scheduler.read', 'read');
const triggerTasks = permission('devtools.scheduler.trigger', 'update');
const readMetadata = permission('permission.metadata.read', 'read');
const manageTemplates = permission('scaffolder.template.management');
const createTask = permission('scaffolder.task.create', 'create');

/**
 * Asks for a permission where a plugin serves every user: schedulers, permission metadata, proxy
 * endpoints, and the scaffolder's lists. Services keep what their access restrictions allow.
 */
export function guard(
  pluginId: string,
  httpAuth: Pick<HttpAuthService, 'credentials'>,
  permissions: Pick<PermissionsService, 'authorize'>,
): RequestHandler {
  const asks =
    (choose: (request: Request) => BasicPermission[]): RequestHandler =>
    (request, _, next) => {
      const authorize = async () => {
        // Without credentials it is a plugin that opens all its paths, such as auth.
        const credentials = await httpAuth.credentials(request, {
          allow: ['user', 'service'],
        });
        const decisions = await permissions.authorize(
          choose(request).map(each => ({ permission: each })),
          { credentials },
        );
        if (!decisions.some(each => each.result === AuthorizeResult.ALLOW)) {
          throw new NotAllowedError();
        }
      };
      authorize().then(() => next(), next);
    };

  // Express compares paths as it does for the routes themselves.
  const router = Router();
  router.use(
    '/.backstage/scheduler',
    asks(({ method }) => [method === 'GET' ? readTasks : triggerTasks]),
  );
  router.use(
    '/.well-known/backstage/permissions/metadata',
    asks(() => [readMetadata]),
  );
  if (pluginId === 'proxy') {
    router.use(
      '/:endpoint',
      asks(({ params: { endpoint } }) => [
        permission('proxy.use'),
        permission(`proxy.use.${endpoint}`),
      ]),
    );
  }
  if (pluginId === 'scaffolder') {
    router.use(
      '/v2/autocomplete',
      asks(() => [createTask]),
    );
    router.use(
      ['/v2/actions', '/v2/templating-extensions'],
      asks(() => [manageTemplates]),
    );
  }
  return router;
}

type Create<T, D> = (own: (deps: D) => Promise<T>, deps: D) => Promise<T>;

/**
 * A factory that wraps one of Backstage's. Its types hide the parts of a factory: the options of
 * `createServiceFactory`.
 */
function wrapped<T, D>(
  factory: ServiceFactory,
  deps: { [name: string]: ServiceRef<unknown> },
  create: Create<T, D>,
): ServiceFactory {
  const original = factory as unknown as {
    deps: object;
    factory: (all: D, context: unknown) => Promise<T>;
  };
  return Object.assign({}, factory, {
    deps: { ...original.deps, ...deps },
    factory: (all: D, context: unknown) =>
      create(own => original.factory(own, context), all),
  });
}

const guardedRoutes: Create<
  HttpRouterService,
  {
    plugin: PluginMetadataService;
    httpAuth: HttpAuthService;
    permissions: PermissionsService;
  }
> = async (create, deps) => {
  const router = await create(deps);
  router.use(guard(deps.plugin.getId(), deps.httpAuth, deps.permissions));
  return router;
};

/** Gives an action without a permission `PLUGIN.actions.read`, or `use` unless it only reads. */
export const guardedActions: Create<
  ActionsRegistryService,
  {
    metadata: PluginMetadataService;
    permissionsRegistry: PermissionsRegistryService;
  }
> = async (create, deps) => {
  const plugin = deps.metadata.getId();
  const read = permission(`${plugin}.actions.read`, 'read');
  const use = permission(`${plugin}.actions.use`);
  const registry = await create({
    ...deps,
    permissionsRegistry: {
      ...deps.permissionsRegistry,
      // It refuses permissions once the plugin has started, and search registers its action then.
      addPermissions: added =>
        added.includes(read) || added.includes(use)
          ? undefined
          : deps.permissionsRegistry.addPermissions(added),
    },
  });
  return {
    register: action =>
      registry.register({
        ...action,
        visibilityPermission:
          action.visibilityPermission ??
          (action.attributes?.readOnly ? read : use),
      }),
  };
};

/** For `backend.add`. */
export const routePermissions = [
  wrapped(
    httpRouterServiceFactory,
    { permissions: coreServices.permissions },
    guardedRoutes,
  ),
  wrapped(actionsRegistryServiceFactory, {}, guardedActions),
];
