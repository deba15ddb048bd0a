#!/bin/sh
# Once per start, before everything else: both databases to this version, and the pools. Twice is the same as once.
set -eu
mkdir -p "$JOINT_NEEDS_HOME/landing" "$JOINT_NEEDS_HOME/snapshots"
# Who is in the group of the landing place, such as the door, may lay deliveries there.
chmod 2770 "$JOINT_NEEDS_HOME/landing"
joint-needs db migrate
airflow db migrate
airflow pools import "$AIRFLOW__CORE__DAGS_FOLDER/pools.json"
