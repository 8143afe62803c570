import { ConfigReader } from '@backstage/config';
import { configured } from './index';

/** Packages that would be loaded. Jest can't import them, but require them. */
const packages = (config: object) =>
  configured(new ConfigReader(config)).map(load => {
    const [, name] = String(load).match(/import\(\s*['"](.+?)['"],?\s*\)/)!;
    expect(jest.requireActual(name).default.$$type).toBe(
      '@backstage/BackendFeature',
    );
    return name.replace('@backstage/plugin-', '');
  });

const webhookSecret = 'x';

describe('the integrations', () => {
  it.each([
    ['nothing', {}, []],
    [
      'a topic without a secret',
      { events: { http: { topics: ['github'] }, modules: { github: {} } } },
      [],
    ],
    [
      'a GitHub App',
      {
        catalog: { providers: { github: {}, githubOrg: [] } },
        events: { modules: { github: { webhookSecret } } },
      },
      [
        'catalog-backend-module-github',
        'catalog-backend-module-github-org',
        'events-backend',
        'events-backend-module-github',
      ],
    ],
    [
      'GitLab',
      {
        catalog: { providers: { gitlab: {} } },
        events: { modules: { gitlab: { webhookSecret } } },
      },
      [
        'catalog-backend-module-gitlab',
        'catalog-backend-module-gitlab-org',
        'events-backend',
        'events-backend-module-gitlab',
      ],
    ],
    [
      'task recovery',
      { scaffolder: { taskRecovery: { workspaceProvider: 'database' } } },
      ['scaffolder-backend-module-workspace-database'],
    ],
  ])('with %s', (_, config, expected) => {
    expect(packages(config)).toEqual(expected);
  });
});
