<?php // Reads a template as `configuration.import` of Debian's zabbix-frontend-php does, without its database.
$include = '/usr/share/zabbix/include';
set_include_path(dirname($include));
spl_autoload_register(function (string $name) use ($include): void {
	$files = new RecursiveIteratorIterator(new RecursiveDirectoryIterator("$include/classes"));
	foreach ($files as $file) {
		if ($file->getFilename() === "$name.php") {
			require_once $file;
		}
	}
});
foreach (['defines', 'gettextwrapper', 'translateDefines', 'func'] as $name) {
	require_once "$include/$name.inc.php";
}

$data = CImportReaderFactory::getReader('json')->read(stream_get_contents(STDIN));
$validators = new CImportValidatorFactory('json');
$data = (new CXmlValidator($validators, 'json'))->setStrict(true)->validate($data, '/');
$schema = $validators->getObject($data['zabbix_export']['version'])->getSchema();
$data = (new CConstantImportConverter($schema))->convert($data);
array_walk_recursive($data, function (string $value, string $name): void {
	$parsers = ['expression' => new CExpressionParser(['lldmacros' => true]), 'key' => new CItemKey()];
	if (array_key_exists($name, $parsers) && $parsers[$name]->parse($value) != CParser::PARSE_SUCCESS) {
		throw new Exception("$name: $value");
	}
});
