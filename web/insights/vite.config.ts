// The page is relative to its address, so that it also works below /api/insights/.
import { defineConfig } from 'vite';
import { pagesConfig } from '../vite.pages';

export default defineConfig(pagesConfig('insights', './'));
