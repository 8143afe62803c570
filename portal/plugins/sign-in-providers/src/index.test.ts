import { ConfigReader } from '@backstage/config';
import stockOidc from '@backstage/plugin-auth-backend-module-oidc-provider';
import { signedProfile } from './alb';
import { configured } from './index';
import oidcLoader, { assumeVerified } from './oidc';

const config = (providers?: any) =>
  new ConfigReader({ auth: { environment: 'production', providers } });

/** Ids of the modules that would be loaded. Jest can't import them, but require them. */
async function ids(providers?: any): Promise<string[]> {
  const found = configured(config(providers)).map(load => {
    const [, name] = String(load).match(/import\(['"](.+?)['"]\)/)!;
    return jest.requireActual(name).default;
  });
  const features = found.map(
    each => each.loader?.({ config: config(providers) }) ?? [each],
  );
  return (await Promise.all(features))
    .flat()
    .flatMap(each => each.getRegistrations())
    .map(each => each.moduleId);
}

describe('the providers', () => {
  it('are loaded only if configured', async () => {
    expect(await ids()).toEqual([]);
    expect(await ids({ guest: null, github: {} })).toEqual(['github-provider']);
  });

  it.each([
    ['github', ['github-provider']],
    ['gitlab', ['gitlab-provider']],
    ['google', ['google-provider']],
    ['guest', ['guest-provider']],
    ['microsoft', ['microsoft-provider']],
    ['oidc', ['oidc-provider']],
    ['okta', ['okta-provider']],
    ['awsalb', ['awsalb-provider', 'awsalb-sign-out']],
  ])('include %s', async (id, modules) => {
    expect(await ids({ [id]: {} })).toEqual(modules);
  });
});

describe('awsalb', () => {
  it('takes the profile from the signed claims only', async () => {
    const found = await signedProfile({
      fullProfile: {
        provider: 'unknown',
        id: '1',
        displayName: 'Alice',
        emails: [{ value: 'alice@example.com' }],
        photos: [{ value: undefined as any }],
      },
      accessToken: 'opaque',
      expiresInSeconds: 1,
    });
    expect(found.profile).toEqual({
      email: 'alice@example.com',
      displayName: 'Alice',
    });
  });
});

describe('oidc', () => {
  it.each([
    [{}, true],
    [{ production: {} }, true],
    [{ production: { emailVerified: 'required' } }, true],
    [{ development: { emailVerified: 'assumed' } }, true],
    [{ production: { emailVerified: 'assumed' } }, false],
  ])('with %j, whether Backstage’s own is loaded: %s', async (oidc, stock) => {
    const [feature] = await (oidcLoader as any).loader({
      config: config({ oidc }),
    });
    expect(feature === stockOidc).toBe(stock);
  });

  const email = async (email_verified: unknown) => {
    const userinfo = { sub: '1', email: 'a@example.com', email_verified };
    return (await assumeVerified({ fullProfile: { userinfo } } as any)).profile
      .email;
  };

  it('accepts an email without a claim, or with the text "true"', async () => {
    for (const claim of [undefined, true, 'true']) {
      expect(await email(claim)).toBe('a@example.com');
    }
  });

  it('drops an email that the issuer calls unverified', async () => {
    for (const claim of [false, 'false', '', 0]) {
      expect(await email(claim)).toBeUndefined();
    }
  });
});
