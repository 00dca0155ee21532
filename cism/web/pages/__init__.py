"""Pages for people: server-rendered, phone first, whole without JavaScript."""
