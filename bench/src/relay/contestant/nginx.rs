//! nginx as a plain proxy: a worker for each core, connections to the origin kept, no access log.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::{Started, Surroundings};
use crate::relay::debian;
use crate::relay::server::{Server, free_address};
use crate::relay::workload::Door;

/// The program and the libraries that it wants and a small system may lack.
const PACKAGES: [&str; 3] = ["nginx", "libpcre2-8-0", "libssl3"];

pub async fn start(around: &Surroundings<'_>) -> Result<Started> {
    let root = debian::unpacked(&around.programs.join("nginx"), &PACKAGES).await?;
    let address = free_address()?;
    let (folder, workers, origin) = (around.folder.display(), around.cores.contestant(), around.origin);
    // What must not be in a file is what a proxy would never write to one: bodies of 16 KB stay in memory.
    let configuration = format!(
        "daemon off;
        worker_processes {workers};
        pid {folder}/nginx.pid;
        error_log stderr warn;
        events {{ worker_connections 8192; }}
        http {{
            access_log off;
            keepalive_requests 1000000000;
            client_body_buffer_size 64k;
            client_body_temp_path {folder}/body;
            proxy_temp_path {folder}/proxy;
            fastcgi_temp_path {folder}/fastcgi;
            uwsgi_temp_path {folder}/uwsgi;
            scgi_temp_path {folder}/scgi;
            upstream origin {{ server {origin}; keepalive 1024; keepalive_requests 1000000000; }}
            server {{
                listen {address} backlog=4096;
                location / {{
                    proxy_pass http://origin;
                    proxy_http_version 1.1;
                    proxy_set_header Connection \"\";
                    proxy_buffer_size 8k;
                    proxy_buffers 8 8k;
                }}
            }}
        }}\n"
    );
    let file = around.folder.join("nginx.conf");
    fs::write(&file, configuration)?;
    let mut command = Command::new(root.program("usr/sbin/nginx"));
    root.libraries(&mut command);
    command.arg("-p").arg(&around.folder).arg("-c").arg(&file).args(["-e", "stderr"]);
    if rustix::process::getuid().is_root() {
        // Else it would look for the system's user for web servers.
        command.args(["-g", "user root;"]);
    }
    let mut server = Server::start("nginx", &mut command, around.folder.join("log"), around.cores)?;
    server.listens(address).await?;
    Ok((address, Door::Proxy, vec![server]))
}
