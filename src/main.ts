process.stdout.write('sstp-gateway\n');
