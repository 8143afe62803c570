export { permissionModuleRolePolicy as default } from './module';
