export interface Config {
  app?: {
    signIn?: {
      /**
       * The providers that the sign-in page offers first, in this order: keys of auth.providers.
       * @deepVisibility frontend
       */
      providers?: string[];
    };
  };
  auth?: {
    /**
     * The sign-in page offers the providers configured here. The browser sees their names only,
     * nothing below them.
     */
    providers?: {
      /** @visibility frontend */
      awsalb?: object;
      /** @visibility frontend */
      github?: object;
      /** @visibility frontend */
      gitlab?: object;
      /** @visibility frontend */
      google?: object;
      /** @visibility frontend */
      microsoft?: object;
      /** @visibility frontend */
      oidc?: object;
      /** @visibility frontend */
      okta?: object;
      /** @visibility frontend */
      guest?: object;
    };
  };
}
