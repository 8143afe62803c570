// The page's navigation, apart so that tests can replace it.
export const navigate = (url: string) => window.location.assign(url);
export const reload = () => window.location.reload();
