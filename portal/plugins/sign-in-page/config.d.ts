export interface Config {
  auth?: {
    /**
     * The sign-in page offers what is configured here. The browser learns the names only: nothing
     * below a provider is visible to it.
     */
    providers?: {
      /** @visibility frontend */
      github?: object;
      /** @visibility frontend */
      guest?: object;
    };
  };
}
