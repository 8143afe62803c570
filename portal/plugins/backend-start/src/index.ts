import './traces';
import './metrics';

export { start } from './start';
