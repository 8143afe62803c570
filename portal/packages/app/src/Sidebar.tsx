import {
  Link,
  Sidebar,
  SidebarDivider,
  SidebarGroup,
  SidebarItem,
  SidebarScrollWrapper,
  SidebarSpace,
  useSidebarOpenState,
} from '@backstage/core-components';
import { configApiRef, useApi } from '@backstage/frontend-plugin-api';
import { NavContentBlueprint } from '@backstage/plugin-app-react';
import { NotificationsSidebarItem } from '@backstage/plugin-notifications';
import { SidebarSearchModal } from '@backstage/plugin-search';
import { UserSettingsSignInAvatar } from '@backstage/plugin-user-settings';
import Box from '@material-ui/core/Box';
import Typography from '@material-ui/core/Typography';
import MenuIcon from '@material-ui/icons/Menu';
import SearchIcon from '@material-ui/icons/Search';

const Title = () => {
  const title =
    useApi(configApiRef).getOptionalString('app.title') ?? 'Backstage';
  const { isOpen } = useSidebarOpenState();
  return (
    <Box px={3} py={2} color="common.white">
      <Link to="/" underline="none" color="inherit" aria-label="Home">
        <Typography variant="h6" component="span" noWrap>
          {isOpen ? title : title.slice(0, 1)}
        </Typography>
      </Link>
    </Box>
  );
};

/** Lists every plugin's page; search, notifications and settings have entries of their own. */
export const sidebar = NavContentBlueprint.make({
  params: {
    component: ({ navItems }) => {
      const items = navItems.withComponent(item => (
        <SidebarItem icon={() => item.icon} to={item.href} text={item.title} />
      ));
      items.take('page:search');
      items.take('page:notifications');
      const settings = items.take('page:user-settings');
      const visualizer = items.take('page:app-visualizer');
      return (
        <Sidebar>
          <Title />
          <SidebarGroup label="Search" icon={<SearchIcon />} to="/search">
            <SidebarSearchModal />
          </SidebarGroup>
          <SidebarDivider />
          <SidebarGroup label="Menu" icon={<MenuIcon />}>
            {items.take('page:catalog')}
            {items.take('page:scaffolder')}
            <SidebarScrollWrapper>
              {items.rest({ sortBy: 'title' })}
            </SidebarScrollWrapper>
          </SidebarGroup>
          <SidebarSpace />
          <SidebarDivider />
          <NotificationsSidebarItem />
          <SidebarGroup
            label="Settings"
            icon={<UserSettingsSignInAvatar />}
            to="/settings"
          >
            {visualizer}
            {settings}
          </SidebarGroup>
        </Sidebar>
      );
    },
  },
});
