use anyhow::Result;

use crate::packages::{Packages, Skip};

/// The servers as libraries and plain programs. The packages that would run them as services are left out, so nothing
/// starts by itself, no user is made and nothing is written to `/etc/neutron` or `/etc/keystone`.
const PACKAGES: Packages = Packages {
    names: &[
        "python3-neutron",
        "python3-keystone",
        "python3-pymysql",
        "mariadb-server-core",
        "mariadb-client-core",
        "uwsgi-plugin-python3",
    ],
    programs: &[
        "/usr/lib/python3/dist-packages/neutron/server/__init__.py",
        "/usr/lib/python3/dist-packages/pymysql/__init__.py",
        "/usr/bin/keystone-manage",
        "/usr/bin/mariadb",
        "/usr/sbin/mariadbd",
        "/usr/bin/uwsgi_python3",
    ],
};

/// Whether the testbed can start here, perhaps after [`install`].
///
/// # Errors
/// Where it can not.
pub fn available() -> Result<(), Skip> {
    PACKAGES.available()
}

/// Installs what is missing with apt-get, and says so, since that changes the machine outside the project's folder.
///
/// # Errors
/// Where apt-get fails.
pub fn install() -> Result<()> {
    PACKAGES.install()
}
