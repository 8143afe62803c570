import { createBackendFeatureLoader } from '@backstage/backend-plugin-api';
import { auditor } from './auditor';
import { httpAuth, permissions } from './permissions';
import { signIns } from './signIns';

/** Audits what the framework leaves out: sign-ins and refused permissions. */
export default createBackendFeatureLoader({
  *loader() {
    yield auditor;
    yield httpAuth;
    yield permissions;
    yield signIns;
  },
});
