# The TLS proxy before the gateways: the only door for browsers.
ARG NGINX=nginx:1.29.0-bookworm
FROM ${NGINX}
COPY docker/web/nginx.conf docker/web/start.sh /etc/aiox/
USER 10001:10001
ENTRYPOINT ["sh", "/etc/aiox/start.sh"]
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s --retries=6 CMD ["test", "-f", "/tmp/nginx.pid"]
