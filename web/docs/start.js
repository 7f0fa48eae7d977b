// Shows this service's own openapi.json. Requests that are tried out carry the page's CSRF token, as services want it
// of whoever logs in by cookie.
const csrf = () => /(?:^|; )csrf=([^;]*)/.exec(document.cookie)?.[1];

window.SwaggerUIBundle({
  url: new URL('openapi.json', document.baseURI).href,
  dom_id: '#interface',
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor: (request) => {
    const token = csrf();
    if (token !== undefined) request.headers['X-CSRF-Token'] = decodeURIComponent(token);
    return request;
  },
});
