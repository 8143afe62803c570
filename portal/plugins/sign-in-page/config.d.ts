export interface Config {
  auth?: {
    /**
     * The sign-in page offers the providers configured here. The browser sees their names only,
     * nothing below them.
     */
    providers?: {
      /** @visibility frontend */
      github?: object;
      /** @visibility frontend */
      gitlab?: object;
      /** @visibility frontend */
      google?: object;
      /** @visibility frontend */
      microsoft?: object;
      /** @visibility frontend */
      okta?: object;
      /** @visibility frontend */
      guest?: object;
    };
  };
}
