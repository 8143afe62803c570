export interface Config {
  auth?: {
    providers?: {
      oidc?: {
        [environment: string]: {
          /**
           * `assumed` also accepts an email for which the issuer sends no claim `email_verified`, and
           * the text "true". Default: `required`, only with the claim `true`.
           */
          emailVerified?: 'required' | 'assumed';
        };
      };
      awsalb?: {
        /** Where sign-out leads: the identity provider's end-session URL. Default: a page that says so. */
        signOutUrl?: string;
      };
    };
  };
}
