"use strict";
// Time is being moved: look again until it has arrived. Without scripts the page has a link that does the same.
setTimeout(() => location.replace(location.pathname), 1000);
