import {
  coreServices,
  createBackendModule,
} from '@backstage/backend-plugin-api';
import { policyExtensionPoint } from '@backstage/plugin-permission-node/alpha';
import { readRoles } from './roles';
import { RolePolicy } from './RolePolicy';

/** Installs `RolePolicy` with the files that `permission.rbac` names; the start fails without them. */
export default createBackendModule({
  pluginId: 'permission',
  moduleId: 'role-policy',
  register(reg) {
    reg.registerInit({
      deps: {
        policy: policyExtensionPoint,
        config: coreServices.rootConfig,
        userInfo: coreServices.userInfo,
        logger: coreServices.logger,
      },
      async init({ policy, config, userInfo, logger }) {
        policy.setPolicy(new RolePolicy(readRoles(config), userInfo, logger));
      },
    });
  },
});
