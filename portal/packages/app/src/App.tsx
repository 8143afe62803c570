import { createApp } from '@backstage/frontend-defaults';
import { createFrontendModule } from '@backstage/frontend-plugin-api';
import { sidebar } from './Sidebar';

export default createApp({
  // app.packages in app-config.yaml discovers the plugins and the sign-in page.
  features: [createFrontendModule({ pluginId: 'app', extensions: [sidebar] })],
});
