import { createApp } from '@backstage/frontend-defaults';
import { createFrontendModule } from '@backstage/frontend-plugin-api';
import { sidebar } from './Sidebar';
import { signInPage } from './SignInPage';

export default createApp({
  // The plugins' own pages come with them (app.packages: all in app-config.yaml).
  features: [
    createFrontendModule({
      pluginId: 'app',
      extensions: [sidebar, signInPage],
    }),
  ],
});
