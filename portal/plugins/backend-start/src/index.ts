import './metrics';

export { start } from './start';
